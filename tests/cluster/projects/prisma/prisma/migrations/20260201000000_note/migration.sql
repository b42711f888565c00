-- AlterTable
ALTER TABLE "rules" ADD COLUMN     "note" TEXT;
