from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Rule",
            [("id", models.BigAutoField(primary_key=True)), ("body", models.TextField())],
            options={"db_table": "rules"},
        )
    ]
