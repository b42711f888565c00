from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_rules")]
    operations = [migrations.AddField("Rule", "note", models.TextField(null=True))]
