/* The physical limit: pre-built messages through N connections, one epoll loop, no thought about any of them.
 *
 *     blaster PORT CONNECTIONS MESSAGES FILE
 *
 * FILE is one message as it goes over the wire, its final dot included. The next envelope travels behind the dot
 * (RFC 2920), so a message costs one round trip. Prints messages, seconds and CPU seconds as JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct client {
    int fd, awaited;       /* replies still to come before the next write */
    int phase;             /* 0 greeting, 1 ehlo, 2 envelope, 3 content */
    int begins;            /* the next byte begins a line */
    char code[4];
    int at;                /* how much of the line's first four bytes was read */
    int introduced;        /* an envelope went out behind the last dot */
    struct iovec out[2];
    int parts;
};

static char *content;
static size_t content_size;
static long left, started, ended;
static int running, epoll;

static void fail(const char *what) { perror(what); exit(1); }

static void watch(struct client *c, uint32_t events, int how) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, how, c->fd, &e)) fail("epoll_ctl");
}

static void push(struct client *c) {
    while (c->parts) {
        ssize_t n = writev(c->fd, c->out, c->parts);
        if (n < 0) {
            if (errno != EAGAIN) fail("writev");
            watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        while (c->parts && (size_t)n >= c->out[0].iov_len) {
            n -= c->out[0].iov_len;
            c->out[0] = c->out[1];
            c->parts--;
        }
        if (c->parts) {
            c->out[0].iov_base = (char *)c->out[0].iov_base + n;
            c->out[0].iov_len -= n;
        }
    }
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

static char *envelope(size_t *size) {
    static char text[256];
    *size = sprintf(text, "MAIL FROM:<b@bench.example>\r\nRCPT TO:<blast%ld@example.org>\r\nDATA\r\n", ++started);
    return strdup(text);
}

/* All replies that were owed are here: say the next thing. */
static void turn(struct client *c) {
    size_t size = 0;
    char *words = NULL;
    if (c->phase == 0) {
        words = strdup("EHLO blaster\r\n");
        size = strlen(words);
        c->phase = 1;
        c->awaited = 1;
    } else if (c->phase == 1 || (c->phase == 3 && !c->introduced)) {
        if (c->phase == 3) { running--; close(c->fd); return; }
        if (left <= 0) { running--; close(c->fd); return; }
        left--;
        words = envelope(&size);
        c->phase = 2;
        c->awaited = 3;
    } else {
        c->out[0] = (struct iovec){content, content_size};
        c->parts = 1;
        c->awaited = 1;
        c->introduced = left > 0;
        if (c->introduced) {
            left--;
            words = envelope(&size);
            c->awaited += 3;
        }
        c->phase = 3;
    }
    if (words) c->out[c->parts++] = (struct iovec){words, size};
    push(c);
    /* The words are small and few at a time; what the kernel did not take at once is kept. */
    if (!c->parts) free(words);
}

static void reply(struct client *c) {
    if (c->code[0] > '3') { fprintf(stderr, "refused: %.3s\n", c->code); exit(1); }
    if (c->phase == 3 && c->code[0] == '2' && strncmp(c->code, "250", 3) == 0 && c->awaited == (c->introduced ? 4 : 1))
        ended++;
    if (--c->awaited == 0) turn(c);
}

static void hear(struct client *c) {
    char buffer[4096];
    ssize_t n = read(c->fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("read");
    for (ssize_t i = 0; i < n; i++) {
        if (c->at < 4) c->code[c->at++] = buffer[i];
        if (buffer[i] == '\n') {
            c->at = 0;
            if (c->code[3] != '-') reply(c);
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 5) { fprintf(stderr, "blaster PORT CONNECTIONS MESSAGES FILE\n"); return 2; }
    int connections = atoi(argv[2]);
    left = atol(argv[3]);
    int file = open(argv[4], O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about)) fail(argv[4]);
    content_size = about.st_size;
    content = malloc(content_size);
    if (read(file, content, content_size) != (ssize_t)content_size) fail("read");
    epoll = epoll_create1(0);
    struct client *clients = calloc(connections, sizeof *clients);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timespec from, until;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < connections; i++) {
        int one = 1;
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(clients[i].fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
        setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        clients[i].awaited = 1;
        running++;
        watch(&clients[i], EPOLLIN, EPOLL_CTL_ADD);
    }
    struct epoll_event events[256];
    while (running) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) push(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) hear(c);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double seconds = (until.tv_sec - from.tv_sec) + (until.tv_nsec - from.tv_nsec) / 1e9;
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\": %ld, \"seconds\": %.4f, \"cpu_seconds\": %.4f}\n", ended, seconds, cpu);
    return 0;
}
