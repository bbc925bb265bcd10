-- How many people were followed is withheld where they were few (R51): NULL, which no sum takes for a number.

ALTER TABLE coverage MODIFY COLUMN IF EXISTS people_tracked Nullable(UInt32);
