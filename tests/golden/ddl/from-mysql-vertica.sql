CREATE TABLE "keys_of_types" (
    "a" varchar(1200),
    "b" varchar(20) NOT NULL,
    "c" varchar(1020) NOT NULL,
    "d" numeric(20,0) NOT NULL,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "e" timestamp with time zone,
    "f" varbinary(4) NOT NULL
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
    "e" timestamp with time zone,
    "f" varbinary(4)
);

CREATE TABLE "types" (
    "id" bigint NOT NULL,
    "c00" bigint,
    "c01" bigint,
    "c02" bigint,
    "c03" bigint,
    "c04" bigint,
    "c05" bigint,
    "c06" bigint,
    "c07" bigint,
    "c08" bigint,
    "c09" bigint,
    "c10" numeric(20,0),
    "c11" bigint,
    "c12" numeric(65,30),
    "c13" numeric(30,30),
    "c14" numeric(10,2),
    "c15" numeric(10,0),
    "c16" double precision,
    "c17" double precision,
    "c18" double precision,
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
    "c29" timestamp with time zone,
    -- a date with a zero year, month or day is a matter of values.zero_date
    "c30" timestamp with time zone,
    "c31" bigint,
    "c32" varchar(4),
    -- warning: more than 32000000 bytes are refused
    "c33" long varchar(32000000),
    "c34" varchar(1020),
    "c35" long varchar(262140),
    "c36" varchar(80),
    "c37" varchar(4096),
    "c38" varchar(4100),
    "c39" varchar(48000),
    "c40" varchar(800),
    "c41" varchar(40),
    "c42" varchar(1020),
    "c43" long varchar(262140),
    -- warning: more than 32000000 bytes are refused
    "c44" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c45" long varchar(32000000),
    "c46" long varchar(262140),
    "c47" varbinary(1),
    "c48" varbinary(16),
    "c49" varbinary(255),
    "c50" varbinary(20),
    "c51" varbinary(5000),
    "c52" varbinary(255),
    "c53" long varbinary(65535),
    "c54" long varbinary(16777215),
    -- warning: more than 32000000 bytes are refused
    "c55" long varbinary(32000000),
    "c56" varchar(1020),
    "c57" long varchar(262140),
    -- warning: more than 32000000 bytes are refused
    "c58" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c59" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c60" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c61" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c62" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c63" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c64" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c65" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    -- EWKT
    "c66" long varchar(32000000),
    "c67" uuid,
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
    "id" bigint,
    "c00" bigint,
    "c01" bigint,
    "c02" bigint,
    "c03" bigint,
    "c04" bigint,
    "c05" bigint,
    "c06" bigint,
    "c07" bigint,
    "c08" bigint,
    "c09" bigint,
    "c10" numeric(20,0),
    "c11" bigint,
    "c12" numeric(65,30),
    "c13" numeric(30,30),
    "c14" numeric(10,2),
    "c15" numeric(10,0),
    "c16" double precision,
    "c17" double precision,
    "c18" double precision,
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
    "c29" timestamp with time zone,
    "c30" timestamp with time zone,
    "c31" bigint,
    "c32" varchar(4),
    "c33" long varchar(32000000),
    "c34" varchar(1020),
    "c35" long varchar(262140),
    "c36" varchar(80),
    "c37" varchar(4096),
    "c38" varchar(4100),
    "c39" varchar(48000),
    "c40" varchar(800),
    "c41" varchar(40),
    "c42" varchar(1020),
    "c43" long varchar(262140),
    "c44" long varchar(32000000),
    "c45" long varchar(32000000),
    "c46" long varchar(262140),
    "c47" varbinary(1),
    "c48" varbinary(16),
    "c49" varbinary(255),
    "c50" varbinary(20),
    "c51" varbinary(5000),
    "c52" varbinary(255),
    "c53" long varbinary(65535),
    "c54" long varbinary(16777215),
    "c55" long varbinary(32000000),
    "c56" varchar(1020),
    "c57" long varchar(262140),
    "c58" long varchar(32000000),
    "c59" long varchar(32000000),
    "c60" long varchar(32000000),
    "c61" long varchar(32000000),
    "c62" long varchar(32000000),
    "c63" long varchar(32000000),
    "c64" long varchar(32000000),
    "c65" long varchar(32000000),
    "c66" long varchar(32000000),
    "c67" uuid,
    "c68" varchar(45),
    "c69" varchar(45)
);
