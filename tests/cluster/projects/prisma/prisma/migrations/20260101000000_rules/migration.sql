-- CreateTable
CREATE TABLE "rules" (
    "id" INTEGER NOT NULL,
    "body" TEXT,

    CONSTRAINT "rules_pkey" PRIMARY KEY ("id")
);
