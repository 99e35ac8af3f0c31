/*
 * server.h - a real database server of the test's own
 *
 * In a temporary directory, on a Unix socket there, as user postgres or mysql where the test runs
 * as root. It is stopped by its own pid and removed at exit; when the test dies in another way, the
 * kernel tells the server to stop.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

typedef struct Server {
    char directory[64];
    char socket[96]; /* MariaDB: the socket; PostgreSQL: the directory it is in */
    char data[96];
    char log[96];
    pid_t pid;
    bool is_postgres;
    bool is_mysql;
    const char *const *more; /* MariaDB, MySQL: arguments behind ours, ended by NULL; or NULL */
} Server;

/* Is its program installed? */
bool server_has_postgres(void);
bool server_has_mariadb(void);
/* A system tree with MySQL in it, named by DRAY_MYSQL_ROOT or /opt/dray-mysql; needs root, as the
 * server runs inside it (chroot). */
bool server_has_mysql(void);
/* Tell Meson that the whole test is skipped; the exit code for main(). */
int server_skip(const char *what);
/* Abort with the server's log when it does not come up. Two servers a process at most. */
void server_start_postgres(Server *server);
void server_start_mariadb(Server *server);
/* With more arguments, which win over ours, and must outlive the server. */
void server_start_mariadb_with(Server *server, const char *const *more);
void server_start_mysql_with(Server *server, const char *const *more);
/* At once, without a word to its clients but what the server itself has left to say. */
void server_kill(Server *server);
/* The same directory again. */
void server_restart(Server *server);
void server_stop(Server *server);
/* Largest memory this process has had, in KiB; 0 under AddressSanitizer, which keeps what is freed.
 */
long server_peak_memory(void);
