CREATE TABLE "public"."items" (
    "c0" bigint NOT NULL,
    "c1" bigint NOT NULL,
    "c2" bigint NOT NULL,
    "c3" double precision,
    "c4" double precision,
    -- no numeric of Vertica holds every value of numeric, so it is text
    "c5" varchar(65000),
    "c6" numeric(10,2),
    "c7" numeric(38,38),
    "c8" numeric(65,30),
    "c9" numeric(1000,500),
    "c10" numeric(5,5),
    "c11" numeric(4,0),
    -- warning: more than 32000000 bytes are refused
    "c12" long varchar(32000000),
    "c13" boolean,
    "c14" varchar(4),
    "c15" varchar(252),
    -- warning: more than 32000000 bytes are refused
    "c16" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c17" long varchar(32000000),
    "c18" varchar(80),
    "c19" varchar(1020),
    "c20" varchar(1024),
    -- warning: more than 32000000 bytes are refused
    "c21" long varchar(32000000),
    "c22" varchar(20),
    -- warning: more than 32000000 bytes are refused
    "c23" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c24" long varbinary(32000000),
    "c25" varchar(1),
    "c26" varchar(64),
    "c27" varchar(65),
    -- warning: more than 32000000 bytes are refused
    "c28" long varchar(32000000),
    "c29" varchar(9),
    "c30" date,
    "c31" time,
    "c32" time,
    "c33" time with time zone,
    "c34" time with time zone,
    "c35" timestamp,
    "c36" timestamp,
    "c37" timestamp with time zone,
    "c38" timestamp with time zone,
    -- an interval of Vertica has either months or days, so it is text
    "c39" varchar(190),
    -- an interval of Vertica has either months or days, so it is text
    "c40" varchar(190),
    "c41" uuid,
    -- warning: more than 32000000 bytes are refused
    "c42" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c43" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c44" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c45" long varchar(32000000),
    "c46" varchar(64),
    "c47" varchar(64),
    "c48" varchar(64),
    "c49" varchar(64),
    -- warning: more than 32000000 bytes are refused
    "c50" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c51" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c52" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c53" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c54" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c55" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c56" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c57" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c58" long varchar(32000000),
    "c59" bigint,
    -- warning: more than 32000000 bytes are refused
    "c60" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c61" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c62" long varchar(32000000),
    "c63" varchar(64),
    -- warning: more than 32000000 bytes are refused
    "c64" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c65" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c66" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c67" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c68" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c69" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c70" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c71" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c72" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c73" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c74" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c75" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c76" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c77" long varchar(32000000),
    "c78" varchar(252),
    -- warning: more than 32000000 bytes are refused
    "c79" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c80" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c81" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c82" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c83" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c84" long varchar(32000000),
    -- warning: more than 32000000 bytes are refused
    "c85" long varchar(32000000),
    "c86" numeric(12,3)
    , PRIMARY KEY ("c0", "c1", "c2")
);
