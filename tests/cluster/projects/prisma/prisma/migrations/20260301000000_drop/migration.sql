/*
  Warnings:

  - You are about to drop the column `body` on the `rules` table. All the data in the column will be lost.

*/
-- AlterTable
ALTER TABLE "rules" DROP COLUMN "body";
