CREATE TABLE "keys_of_types" (
    "a" varchar(1200),
    "b" varchar(20) NOT NULL,
    "c" varchar(1020) NOT NULL,
    "d" numeric(20,0) NOT NULL,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "e" timestamptz,
    "f" varbyte(4) NOT NULL
    , PRIMARY KEY ("b", "c", "d", "f")
);
CREATE TABLE "stage_keys_of_types" (
    "dray_opcode" varchar(2),
    "dray_seqno" bigint,
    "dray_row_id" bigint,
    "dray_timestamp" timestamp,
    "dray_unchanged" varchar(65000),
    "a" varchar(1200),
    "b" varchar(20),
    "c" varchar(1020),
    "d" numeric(20,0),
    "e" timestamptz,
    "f" varbyte(4)
);

CREATE TABLE "types" (
    "id" integer NOT NULL,
    "c00" smallint,
    "c01" smallint,
    "c02" smallint,
    "c03" smallint,
    "c04" integer,
    "c05" integer,
    "c06" integer,
    "c07" integer,
    "c08" bigint,
    "c09" bigint,
    "c10" numeric(20,0),
    "c11" smallint,
    -- a numeric of Redshift has at most 38 digits, so it is text
    "c12" varchar(68),
    "c13" numeric(30,30),
    "c14" numeric(10,2),
    "c15" numeric(10,0),
    "c16" real,
    "c17" real,
    "c18" real,
    "c19" double precision,
    "c20" double precision,
    "c21" varchar(1),
    "c22" varchar(64),
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c23" date,
    -- a TIME of MySQL may be negative or longer than a day, so it is text
    "c24" varchar(17),
    -- a TIME of MySQL may be negative or longer than a day, so it is text
    "c25" varchar(17),
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c26" timestamp,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c27" timestamp,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c28" timestamp,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c29" timestamptz,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c30" timestamptz,
    "c31" smallint,
    "c32" varchar(4),
    -- warning: more than 65535 bytes are refused
    "c33" varchar(65535),
    "c34" varchar(1020),
    -- warning: more than 65535 bytes are refused
    "c35" varchar(65535),
    "c36" varchar(80),
    "c37" varchar(4096),
    "c38" varchar(4100),
    "c39" varchar(48000),
    "c40" varchar(800),
    "c41" varchar(40),
    "c42" varchar(1020),
    -- warning: more than 65535 bytes are refused
    "c43" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c44" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c45" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c46" varchar(65535),
    "c47" varbyte(1),
    "c48" varbyte(16),
    "c49" varbyte(255),
    "c50" varbyte(20),
    "c51" varbyte(5000),
    "c52" varbyte(255),
    "c53" varbyte(65535),
    -- warning: more than 1024000 bytes are refused
    "c54" varbyte(1024000),
    -- warning: more than 1024000 bytes are refused
    "c55" varbyte(1024000),
    "c56" varchar(1020),
    -- warning: more than 65535 bytes are refused
    "c57" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c58" varchar(65535),
    -- warning: more than 1048447 bytes are refused
    "c59" geometry,
    -- warning: more than 1048447 bytes are refused
    "c60" geometry,
    -- warning: more than 1048447 bytes are refused
    "c61" geometry,
    -- warning: more than 1048447 bytes are refused
    "c62" geometry,
    -- warning: more than 1048447 bytes are refused
    "c63" geometry,
    -- warning: more than 1048447 bytes are refused
    "c64" geometry,
    -- warning: more than 1048447 bytes are refused
    "c65" geometry,
    -- warning: more than 1048447 bytes are refused
    "c66" geometry,
    "c67" varchar(36),
    "c68" varchar(45),
    "c69" varchar(45)
    , PRIMARY KEY ("id")
);
CREATE TABLE "stage_types" (
    "dray_opcode" varchar(2),
    "dray_seqno" bigint,
    "dray_row_id" bigint,
    "dray_timestamp" timestamp,
    "dray_unchanged" varchar(65000),
    "id" integer,
    "c00" smallint,
    "c01" smallint,
    "c02" smallint,
    "c03" smallint,
    "c04" integer,
    "c05" integer,
    "c06" integer,
    "c07" integer,
    "c08" bigint,
    "c09" bigint,
    "c10" numeric(20,0),
    "c11" smallint,
    "c12" varchar(68),
    "c13" numeric(30,30),
    "c14" numeric(10,2),
    "c15" numeric(10,0),
    "c16" real,
    "c17" real,
    "c18" real,
    "c19" double precision,
    "c20" double precision,
    "c21" varchar(1),
    "c22" varchar(64),
    "c23" date,
    "c24" varchar(17),
    "c25" varchar(17),
    "c26" timestamp,
    "c27" timestamp,
    "c28" timestamp,
    "c29" timestamptz,
    "c30" timestamptz,
    "c31" smallint,
    "c32" varchar(4),
    "c33" varchar(65535),
    "c34" varchar(1020),
    "c35" varchar(65535),
    "c36" varchar(80),
    "c37" varchar(4096),
    "c38" varchar(4100),
    "c39" varchar(48000),
    "c40" varchar(800),
    "c41" varchar(40),
    "c42" varchar(1020),
    "c43" varchar(65535),
    "c44" varchar(65535),
    "c45" varchar(65535),
    "c46" varchar(65535),
    "c47" varbyte(1),
    "c48" varbyte(16),
    "c49" varbyte(255),
    "c50" varbyte(20),
    "c51" varbyte(5000),
    "c52" varbyte(255),
    "c53" varbyte(65535),
    "c54" varbyte(1024000),
    "c55" varbyte(1024000),
    "c56" varchar(1020),
    "c57" varchar(65535),
    "c58" varchar(65535),
    "c59" geometry,
    "c60" geometry,
    "c61" geometry,
    "c62" geometry,
    "c63" geometry,
    "c64" geometry,
    "c65" geometry,
    "c66" geometry,
    "c67" varchar(36),
    "c68" varchar(45),
    "c69" varchar(45)
);
