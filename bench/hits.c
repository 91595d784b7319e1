/* What bench/track.py measures with.
 *
 *   hits PORT CONNECTIONS REQUESTS < paths   asks for these paths on kept connections, one request under way on each;
 *                                            prints answers, seconds, answers that were no 2xx or 3xx, CPU seconds
 *   hits PORT                                answers every request with the same redirect: the limit of the machine */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 1024
#define MOST_PATHS 200000
static const char *HEAD =
    " HTTP/1.1\r\nHost: news.example.org\r\n"
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp\r\n"
    "Accept-Language: de-DE,de;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n";

static char *requests[MOST_PATHS];
static int lengths[MOST_PATHS], paths;
static struct { int file, got; char answer[4096]; } connection[MOST_CONNECTIONS];

static void fail(const char *what) { perror(what); exit(1); }

static void read_paths(void) {
    static char line[16384];
    while (paths < MOST_PATHS && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        lengths[paths] = asprintf(&requests[paths], "GET %s%s", line, HEAD);
        paths++;
    }
}

static int open_connection(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int file = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (file < 0 || connect(file, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return file;
}

/* The length of a whole answer at the front of the buffer, or 0. */
static int whole(const char *answer, int got) {
    char *end = memmem(answer, got, "\r\n\r\n", 4);
    if (!end) return 0;
    char *found = strcasestr(answer, "content-length:");
    int body = found && found < end ? atoi(found + 15) : 0, length = end + 4 - answer + body;
    return got >= length ? length : 0;
}

/* One process of the limit: no parsing, one constant answer per read. */
static int serve(int port) {
    static const char answer[] = "HTTP/1.1 302 Found\r\nLocation: https://shop.example/1\r\nContent-Length: 0\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listening = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0), yes = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 1024)) fail("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, 256, -1);
        for (int n = 0; n < ready; n++) {
            static char request[16384];
            int file = events[n].data.fd;
            if (file == listening) {
                event.data.fd = accept(listening, NULL, NULL);
                epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
            } else if (recv(file, request, sizeof request, 0) <= 0) {
                close(file);
            } else if (send(file, answer, sizeof answer - 1, 0) < 0) {
                close(file);
            }
        }
    }
}

int main(int count, char **words) {
    if (count == 2) return serve(atoi(words[1]));
    if (count != 4) return fprintf(stderr, "hits PORT CONNECTIONS REQUESTS < paths\n"), 2;
    int port = atoi(words[1]), connections = atoi(words[2]);
    long wanted = atol(words[3]), asked = 0, answered = 0, bad = 0;
    if (connections > MOST_CONNECTIONS) connections = MOST_CONNECTIONS;
    read_paths();
    int poll = epoll_create1(0);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int n = 0; n < connections; n++) {
        connection[n].file = open_connection(port);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = n};
        epoll_ctl(poll, EPOLL_CTL_ADD, connection[n].file, &event);
        int each = asked++ % paths;
        if (send(connection[n].file, requests[each], lengths[each], 0) != lengths[each]) fail("send");
    }
    while (answered < wanted) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, 10000);
        if (ready <= 0) return fprintf(stderr, "no answer for ten seconds\n"), 1;
        for (int n = 0; n < ready; n++) {
            int which = events[n].data.u32, file = connection[which].file;
            char *answer = connection[which].answer;
            int got = recv(file, answer + connection[which].got, sizeof connection[which].answer - 1 - connection[which].got, 0);
            if (got <= 0) return fprintf(stderr, "the server closed a connection\n"), 1;
            got = connection[which].got += got;
            answer[got] = 0;
            if (!whole(answer, got)) continue;
            bad += answer[9] != '2' && answer[9] != '3';
            connection[which].got = 0;
            answered++;
            if (asked >= wanted) continue;
            int each = asked++ % paths;
            if (send(file, requests[each], lengths[each], 0) != lengths[each]) fail("send");
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%ld %.6f %ld %.6f\n", answered, to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9, bad,
           used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    return 0;
}
