#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"

#define START_SECONDS 90
#define STOP_SECONDS  20
#define MAX_ARGUMENTS 48

static Server *running[2]; /* for the exit handler */
static size_t running_count;

static void
fail(const Server *server, const char *what)
{
    Buf log = BUF_INIT;
    Error err;

    if (!file_read_all(server->log, 1 << 20, &log, &err))
        (void)fprintf(stderr, "%s\n", err.text);
    (void)fprintf(stderr, "%s: %s\n%s\n", server->directory, what, buf_string(&log));
    buf_clear(&log);
    exit(99);
}

static void
nap(void)
{
    struct timespec wait = {0, 20 * 1000L * 1000};

    (void)nanosleep(&wait, NULL);
}

/* In the child: become the user, end with the parent, write to the log. */
static void
become(const Server *server, int death_signal)
{
    const char *user = server->is_postgres ? "postgres" : "mysql";
    int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int null = open("/dev/null", O_RDONLY);

    if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(98);
    if (geteuid() == 0 && !server->is_mysql) {
        const struct passwd *account = getpwnam(user);

        if (account == NULL || setgroups(0, NULL) != 0 || setgid(account->pw_gid) != 0 ||
            setuid(account->pw_uid) != 0)
            _exit(97);
    }
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, death_signal) != 0 || chdir(server->directory) != 0)
        _exit(96);
}

static pid_t
spawn(const Server *server, int death_signal, const char *const *arguments)
{
    pid_t pid = fork();

    if (pid < 0)
        fail(server, "fork");
    if (pid == 0) {
        union {
            const char *const *in;
            char *const *out;
        } words = {.in = arguments};

        become(server, death_signal);
        (void)execvp(arguments[0], words.out);
        _exit(95);
    }
    return pid;
}

static void
run(const Server *server, const char *const *arguments)
{
    pid_t pid = spawn(server, SIGKILL, arguments);
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            fail(server, "waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(server, arguments[0]);
}

static const char *
tree_of_mysql(void)
{
    const char *root = getenv("DRAY_MYSQL_ROOT");

    return root != NULL && *root != '\0' ? root : "/opt/dray-mysql";
}

static void
make_directory(Server *server, const char *name)
{
    const struct passwd *account = getpwnam(server->is_postgres ? "postgres" : "mysql");

    (void)snprintf(server->directory, sizeof(server->directory), "%s/tmp/dray-%s-XXXXXX",
        server->is_mysql ? tree_of_mysql() : "", name);
    if (mkdtemp(server->directory) == NULL || chmod(server->directory, 0755) != 0)
        abort();
    if (geteuid() == 0 && !server->is_mysql &&
        (account == NULL || chown(server->directory, account->pw_uid, account->pw_gid) != 0))
        abort();
    (void)snprintf(server->data, sizeof(server->data), "%s/data", server->directory);
    (void)snprintf(server->log, sizeof(server->log), "%s/log", server->directory);
}

static bool
answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* PostgreSQL listens before it is ready; it writes its state into postmaster.pid. */
static bool
is_ready(const Server *server)
{
    char path[128];
    Buf text = BUF_INIT;
    Error err;
    bool ready;

    if (!server->is_postgres)
        return answers(server->socket);
    (void)snprintf(path, sizeof(path), "%s/postmaster.pid", server->data);
    ready = file_read_all(path, 65536, &text, &err) && strstr(buf_string(&text), "ready") != NULL;
    buf_clear(&text);
    return ready;
}

static void
wait_until_ready(Server *server)
{
    time_t end = time(NULL) + START_SECONDS;

    while (!is_ready(server)) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0) {
            server->pid = 0;
            fail(server, "the server ended");
        }
        if (time(NULL) > end)
            fail(server, "the server does not answer");
        nap();
    }
}

static char *
postgres_program(const char *name)
{
    static char path[128];
    glob_t found;

    (void)snprintf(path, sizeof(path), "/usr/lib/postgresql/*/bin/%s", name);
    if (glob(path, 0, NULL, &found) == 0)
        (void)snprintf(path, sizeof(path), "%s", found.gl_pathv[found.gl_pathc - 1]);
    else
        (void)snprintf(path, sizeof(path), "%s", name);
    globfree(&found);
    return path;
}

static void
launch_postgres(Server *server)
{
    char sockets[128];

    (void)snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", server->directory);
    server->pid = spawn(server, SIGQUIT,
        (const char *const[]){postgres_program("postgres"), "-D", server->data, "-c", sockets, "-c",
            "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB", "-c",
            "max_connections=20", "-c", "autovacuum=off", "-c", "wal_level=logical", NULL});
    wait_until_ready(server);
}

static void
launch_with_more(Server *server, const char *const *arguments)
{
    const char *all[MAX_ARGUMENTS + 1] = {NULL};
    size_t count = 0;

    for (; *arguments != NULL; arguments++)
        all[count++] = *arguments;
    for (size_t i = 0; server->more != NULL && server->more[i] != NULL; i++)
        if (count < MAX_ARGUMENTS)
            all[count++] = server->more[i];
    server->pid = spawn(server, SIGTERM, all);
    wait_until_ready(server);
}

static void
launch_mariadb(Server *server)
{
    char data[128];
    char socket_path[128];
    char pid_path[128];
    char temporary[128];

    (void)snprintf(data, sizeof(data), "--datadir=%s", server->data);
    (void)snprintf(socket_path, sizeof(socket_path), "--socket=%s", server->socket);
    (void)snprintf(pid_path, sizeof(pid_path), "--pid-file=%s/pid", server->directory);
    (void)snprintf(temporary, sizeof(temporary), "--tmpdir=%s", server->directory);
    launch_with_more(
        server, (const char *const[]){
                    access("/usr/sbin/mariadbd", X_OK) == 0 ? "/usr/sbin/mariadbd" : "mariadbd",
                    "--no-defaults", data, temporary, socket_path, pid_path, "--skip-networking",
                    "--skip-log-bin", "--local-infile=1", "--character-set-server=utf8mb4",
                    "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0",
                    "--innodb-log-file-size=256M", "--max-allowed-packet=256M", NULL});
}

/* Paths are those inside the tree. */
static void
launch_mysql(Server *server)
{
    const char *inside = server->directory + strlen(tree_of_mysql());
    char data[128];
    char socket_path[128];
    char pid_path[128];

    (void)snprintf(data, sizeof(data), "--datadir=%s/data", inside);
    (void)snprintf(socket_path, sizeof(socket_path), "--socket=%s/sock", inside);
    (void)snprintf(pid_path, sizeof(pid_path), "--pid-file=%s/pid", inside);
    launch_with_more(server,
        (const char *const[]){"chroot", tree_of_mysql(), "/usr/sbin/mysqld", "--no-defaults",
            "--user=root", data, socket_path, pid_path, "--skip-networking", "--mysqlx=OFF",
            /* ours, of the environment, is not in the tree */
            "--tmpdir=/tmp", "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0",
            "--secure-file-priv=", "--local-infile=1", "--max-allowed-packet=256M", NULL});
}

static void
remove_server(void)
{
    Server *server = running[--running_count];
    Error err;

    server_stop(server);
    if (!file_remove_tree(server->directory, &err))
        (void)fprintf(stderr, "%s\n", err.text);
}

static void
stop_at_exit(Server *server)
{
    if (running_count == ARRAY_LEN(running))
        abort();
    running[running_count++] = server;
    (void)atexit(remove_server);
}

bool
server_has_postgres(void)
{
    return access(postgres_program("initdb"), X_OK) == 0;
}

bool
server_has_mariadb(void)
{
    return access("/usr/sbin/mariadbd", X_OK) == 0 || access("/usr/bin/mariadbd", X_OK) == 0;
}

bool
server_has_mysql(void)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/usr/sbin/mysqld", tree_of_mysql());
    return geteuid() == 0 && access(path, X_OK) == 0;
}

int
server_skip(const char *what)
{
    (void)printf("1..0 # SKIP there is no %s server here\n", what);
    return 0;
}

void
server_start_postgres(Server *server)
{
    *server = (Server){.is_postgres = true};
    make_directory(server, "pg");
    (void)snprintf(server->socket, sizeof(server->socket), "%s", server->directory);
    stop_at_exit(server);
    run(server,
        (const char *const[]){postgres_program("initdb"), "-D", server->data, "-U", "postgres",
            "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", NULL});
    launch_postgres(server);
}

void
server_start_mariadb(Server *server)
{
    server_start_mariadb_with(server, NULL);
}

void
server_start_mariadb_with(Server *server, const char *const *more)
{
    char data[128];
    char temporary[128];

    *server = (Server){.more = more};
    make_directory(server, "my");
    (void)snprintf(server->socket, sizeof(server->socket), "%s/sock", server->directory);
    (void)snprintf(data, sizeof(data), "--datadir=%s", server->data);
    /* of its own: a server that starts removes what others have in it */
    (void)snprintf(temporary, sizeof(temporary), "--tmpdir=%s", server->directory);
    stop_at_exit(server);
    run(server, (const char *const[]){"mariadb-install-db", "--no-defaults", data, temporary,
                    "--auth-root-authentication-method=normal", "--skip-test-db",
                    "--innodb-log-file-size=256M", NULL});
    launch_mariadb(server);
}

void
server_start_mysql_with(Server *server, const char *const *more)
{
    char data[128];

    *server = (Server){.is_mysql = true, .more = more};
    make_directory(server, "mysql");
    (void)snprintf(server->socket, sizeof(server->socket), "%s/sock", server->directory);
    (void)snprintf(
        data, sizeof(data), "--datadir=%s/data", server->directory + strlen(tree_of_mysql()));
    stop_at_exit(server);
    run(server,
        (const char *const[]){"chroot", tree_of_mysql(), "/usr/sbin/mysqld", "--no-defaults",
            "--initialize-insecure", "--user=root", "--tmpdir=/tmp", data, NULL});
    launch_mysql(server);
}

static void
end_with(Server *server, int signal_number)
{
    time_t end = time(NULL) + STOP_SECONDS;

    if (server->pid == 0)
        return;
    (void)kill(server->pid, signal_number);
    while (waitpid(server->pid, NULL, WNOHANG) == 0) {
        if (time(NULL) > end)
            (void)kill(server->pid, SIGKILL);
        nap();
    }
    server->pid = 0;
}

void
server_kill(Server *server)
{
    end_with(server, server->is_postgres ? SIGQUIT : SIGKILL);
}

void
server_stop(Server *server)
{
    end_with(server, server->is_postgres ? SIGINT : SIGTERM);
}

void
server_restart(Server *server)
{
    server_stop(server);
    if (server->is_postgres)
        launch_postgres(server);
    else if (server->is_mysql)
        launch_mysql(server);
    else
        launch_mariadb(server);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_IS_KEPT
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MEMORY_IS_KEPT
#endif

long
server_peak_memory(void)
{
#ifdef MEMORY_IS_KEPT
    return 0;
#else
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
#endif
}
