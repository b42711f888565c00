-- AlterTable
ALTER TABLE "rules" ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'x';

-- CreateIndex
CREATE UNIQUE INDEX "rules_kind_key" ON "rules"("kind");

-- AlterTable
ALTER TABLE "rules" ADD COLUMN "later" TEXT;
