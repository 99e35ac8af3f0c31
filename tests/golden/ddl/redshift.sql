CREATE TABLE "public"."items" (
    "c0" smallint NOT NULL,
    "c1" integer NOT NULL,
    "c2" bigint NOT NULL,
    "c3" real,
    "c4" double precision,
    -- no numeric of Redshift holds every value of numeric, so it is text
    "c5" varchar(65535),
    "c6" numeric(10,2),
    -- no numeric of Redshift holds every value of numeric(38,38), so it is text
    "c7" varchar(65535),
    -- no numeric of Redshift holds every value of numeric(65,30), so it is text
    "c8" varchar(65535),
    -- no numeric of Redshift holds every value of numeric(1000,500), so it is text
    "c9" varchar(65535),
    "c10" numeric(5,5),
    "c11" numeric(4,0),
    -- warning: more than 65535 bytes are refused
    "c12" varchar(65535),
    "c13" boolean,
    "c14" varchar(4),
    "c15" varchar(252),
    -- warning: more than 65535 bytes are refused
    "c16" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c17" varchar(65535),
    "c18" varchar(80),
    "c19" varchar(1020),
    "c20" varchar(1024),
    -- warning: more than 65535 bytes are refused
    "c21" varchar(65535),
    "c22" varchar(20),
    -- warning: more than 65535 bytes are refused
    "c23" varchar(65535),
    -- warning: more than 1024000 bytes are refused
    "c24" varbyte(1024000),
    "c25" varchar(1),
    "c26" varchar(64),
    "c27" varchar(65),
    -- warning: more than 65535 bytes are refused
    "c28" varchar(65535),
    "c29" varchar(9),
    "c30" date,
    "c31" time,
    "c32" time,
    "c33" timetz,
    "c34" timetz,
    "c35" timestamp,
    "c36" timestamp,
    "c37" timestamptz,
    "c38" timestamptz,
    -- an interval of Redshift has either months or days, so it is text
    "c39" varchar(190),
    -- an interval of Redshift has either months or days, so it is text
    "c40" varchar(190),
    "c41" varchar(36),
    -- warning: more than 65535 bytes are refused
    "c42" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c43" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c44" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c45" varchar(65535),
    "c46" varchar(64),
    "c47" varchar(64),
    "c48" varchar(64),
    "c49" varchar(64),
    -- warning: more than 65535 bytes are refused
    "c50" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c51" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c52" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c53" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c54" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c55" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c56" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c57" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c58" varchar(65535),
    "c59" bigint,
    -- warning: more than 65535 bytes are refused
    "c60" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c61" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c62" varchar(65535),
    "c63" varchar(64),
    -- warning: more than 65535 bytes are refused
    "c64" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c65" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c66" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c67" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c68" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c69" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c70" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c71" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c72" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c73" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c74" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c75" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c76" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c77" varchar(65535),
    "c78" varchar(252),
    -- warning: more than 65535 bytes are refused
    "c79" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c80" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c81" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c82" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c83" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c84" varchar(65535),
    -- warning: more than 65535 bytes are refused
    "c85" varchar(65535),
    "c86" numeric(12,3)
    , PRIMARY KEY ("c0", "c1", "c2")
);
