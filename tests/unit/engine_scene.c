#include "tests/unit/engine_scene.h"

#include "base/bind.h"
#include "resolver/listen_tcp.h"
#include "resolver/listen_udp.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOVING(id, type, names)                                                                    \
    "\"" id "\": {\"type\": \"" type "\", \"group\": \"" id "\", \"names\": [" names "],"          \
    " \"targets\": {\"" EU "\": \"" id "-eu.test\", \"" US "\": \"" id "-us.test\"}},"
#define RELAYED                                                                                    \
    "\"relayed\": {\"type\": \"database\", \"group\": \"relayed\","                                \
    " \"names\": [\"relay.internal\"], \"relay\": {\"listen\": [\"127.0.0.54:5432\"]},"            \
    " \"targets\": {\"" EU "\": \"relayed-eu.test:5432\", \"" US "\": \"relayed-us.test:5432\"}},"
#define FIXED                                                                                      \
    "\"fixed\": {\"type\": \"name\", \"group\": \"fixed\", \"names\": [\"fixed.internal\"],"       \
    " \"targets\": {\"" EU "\": \"192.0.2.1\", \"" US "\": \"192.0.2.2\"}}"
#define ENDPOINTS                                                                                  \
    MOVING("orders", "database", "\"db.shop.internal\"")                                           \
    MOVING("search", "name", "\"search.internal\", \"*.search.internal\"")                         \
    MOVING("one", "name", "\"one.internal\"")                                                      \
    MOVING("two", "name", "\"two.internal\"")                                                      \
    MOVING("three", "name", "\"three.internal\"") RELAYED FIXED

struct engine_scene scene;

static const struct siphash_key hash_key = {1, 2};

static const char config_format[] =
    "{\"regions\": [\"" EU "\", \"" US "\"],"
    " \"resolver\": {\"upstreams\": [\"127.0.0.1:%u\"], \"ttl\": \"5s\","
    "  \"allow\": [\"" ALLOWED "/32\", \"::1/128\"],"
    "  \"routes\": {\"corp.example\": [\"192.0.2.7\", \"tls://192.0.2.8:853#dns.corp.example\"]}},"
    " \"endpoints\": {" ENDPOINTS "}}";

static struct config *read_config(void)
{
    char text[4096];
    struct config *config = NULL;
    struct config_errors errors = {0};
    snprintf(text, sizeof text, config_format, address_port(&scene.upstream.address));
    int status = config_parse("scene.json", text, strlen(text), &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    assert_int_equal(status, 0);
    return config;
}

static struct address loopback(const char *ip)
{
    struct address address;
    assert_true(address_parse_ip(ip, &address));
    return address;
}

static void listen_here(void)
{
    int udp, tcp, buffer = SCENE_BUFFER;
    socklen_t size = sizeof scene.udp;
    struct address here = loopback(ALLOWED);
    assert_int_equal(bind_udp(&here, &udp, 1), 0);
    assert_int_equal(bind_tcp(&here, 16, &tcp, 1), 0);
    setsockopt(tcp, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    getsockname(udp, &scene.udp.any, &size);
    getsockname(tcp, &scene.tcp.any, &size);
    assert_int_equal(udp_listen(&scene.engine, udp), 0);
    assert_int_equal(tcp_listen(&scene.engine, tcp), 0);
}

int engine_setup_silent(void **unused)
{
    struct engine_limits limits = {
        .fetches = SCENE_FETCHES_MAX, .tcp_connections = SCENE_CONNECTIONS_MAX};
    (void)unused;
    memset(&scene, 0, sizeof scene);
    assert_int_equal(engine_init(&scene.engine, 0, 1 << 20, &limits), 0);
    played_open(&scene.upstream, &scene.engine.loop.uv);
    scene.config = read_config();
    scene.state = state_at_home(scene.config);
    scene.announce = announce_new(&scene.engine.loop);
    announce_subscribe(scene.announce, &scene.engine.loop, engine_take_view, &scene.engine);
    listen_here();
    return 0;
}

int engine_setup(void **unused)
{
    engine_setup_silent(unused);
    look();
    return 0;
}

int engine_teardown(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < scene.client_count; i++)
        close(scene.clients[i]);
    engine_stop(&scene.engine);
    loop_fini(&scene.engine.loop);
    engine_fini(&scene.engine);
    announce_free(scene.announce);
    played_close(&scene.upstream);
    state_free(scene.state);
    config_unref(scene.config);
    return 0;
}

static void on_taken(void *context)
{
    count_one(context);
}

void look(void)
{
    scene.world.config = scene.config;
    struct view *view = view_new(&(struct view_inputs){
        .config = scene.config, .state = scene.state, .world = &scene.world, .key = &hash_key});
    announce_publish(scene.announce, view, on_taken, &scene.views);
    runs_until(&scene.engine.loop.uv, &scene.views, scene.views + 1);
}

void activate(const char *group, const char *region)
{
    state_set_id(state_find_group(scene.state, group)->active, region);
    look();
}

void fence(const char *group)
{
    state_find_group(scene.state, group)->fenced = true;
    look();
}

static int new_client(int type, const char *from, const struct address *to)
{
    struct address source = loopback(from);
    int client = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(client >= 0 && scene.client_count < SCENE_CLIENTS_MAX);
    scene.clients[scene.client_count++] = client;
    assert_int_equal(bind(client, &source.any, address_size(&source)), 0);
    assert_int_equal(connect(client, &to->any, address_size(to)), 0);
    return client;
}

int udp_client(const char *from)
{
    return new_client(SOCK_DGRAM, from, &scene.udp);
}

int tcp_client(const char *from)
{
    return new_client(SOCK_STREAM, from, &scene.tcp);
}

void leaves(int client)
{
    struct linger no_goodbye = {.l_onoff = 1};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &no_goodbye, sizeof no_goodbye);
    for (unsigned i = 0; i < scene.client_count; i++) {
        if (scene.clients[i] == client)
            scene.clients[i] = scene.clients[--scene.client_count];
    }
    close(client);
}

void write_question(uint16_t id, const char *name, uint16_t type)
{
    message_start(&scene.question, DNS_RD, name, type);
    write_be16(scene.question.data, id);
}

static bool is_stream(int client)
{
    int type;
    socklen_t size = sizeof type;
    assert_int_equal(getsockopt(client, SOL_SOCKET, SO_TYPE, &type, &size), 0);
    return type == SOCK_STREAM;
}

void sends_bytes(int client, const void *data, size_t size)
{
    assert_int_equal(send(client, data, size, MSG_NOSIGNAL), size);
}

void sends_question(int client)
{
    uint8_t framed[2 + DNS_MESSAGE_MAX];
    size_t skip = is_stream(client) ? 0 : 2;
    write_be16(framed, (uint16_t)scene.question.size);
    memcpy(framed + 2, scene.question.data, scene.question.size);
    sends_bytes(client, framed + skip, 2 + scene.question.size - skip);
}

void asks(int client, uint16_t id, const char *name)
{
    write_question(id, name, TYPE_A);
    sends_question(client);
}

static void receive_bytes(int client, uint8_t *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        wait_readable(&scene.engine.loop.uv, client);
        ssize_t got = recv(client, data + have, size - have, 0);
        assert_true(got > 0);
        have += (size_t)got;
    }
}

void receives(int client)
{
    struct message *message = &scene.received;
    uint8_t length[2];
    if (is_stream(client)) {
        receive_bytes(client, length, sizeof length);
        message->size = read_be16(length);
        receive_bytes(client, message->data, message->size);
        return;
    }
    wait_readable(&scene.engine.loop.uv, client);
    ssize_t got = recv(client, message->data, sizeof message->data, 0);
    assert_true(got >= DNS_HEADER_SIZE);
    message->size = (size_t)got;
}

void is_told(int client, uint16_t id, unsigned rcode, const char *text)
{
    receives(client);
    assert_int_equal(read_be16(scene.received.data), id);
    assert_int_equal(read_be16(scene.received.data + 2) & DNS_RCODE, rcode);
    assert_string_equal(answer_text(), text);
}

bool is_told_nothing(int client)
{
    struct pollfd wanted = {.fd = client, .events = POLLIN};
    comes_to_rest();
    return poll(&wanted, 1, 0) == 0;
}

void sees_the_end(int client)
{
    uint8_t byte;
    wait_readable(&scene.engine.loop.uv, client);
    ssize_t got = recv(client, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
}

static void add_text(ldns_rr *record)
{
    char *text = ldns_rr2str(record);
    size_t used = strlen(scene.text);
    text[strcspn(text, "\n")] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == '\t' ? ' ' : *c;
    char *class = strstr(text, " IN ");
    if (class)
        memmove(class, class + 3, strlen(class + 3) + 1);
    snprintf(scene.text + used, sizeof scene.text - used, "%s%s", used ? "; " : "", text);
    free(text);
}

const char *answer_text(void)
{
    ldns_pkt *packet = NULL;
    scene.text[0] = '\0';
    assert_int_equal(
        ldns_wire2pkt(&packet, scene.received.data, scene.received.size), LDNS_STATUS_OK);
    const ldns_rr_list *records = ldns_pkt_answer(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
        add_text(ldns_rr_list_rr(records, i));
    ldns_pkt_free(packet);
    return scene.text;
}

bool has_ede(enum dns_ede ede)
{
    static struct reply reply;
    const struct message *message = &scene.received;
    const uint8_t *name = message->data + DNS_HEADER_SIZE, *end = message->data + message->size;
    size_t size = strlen((const char *)name) + 1;
    assert_int_equal(reply_parse(message->data, message->size, read_be16(message->data), name, size,
                         read_be16(name + size), CLASS_IN, &reply),
        REPLY_GOOD);
    const uint8_t *option = message->data + reply.end + DNS_OPT_SIZE;
    for (; option < end; option += 4 + read_be16(option + 2)) {
        if (read_be16(option) == EDNS_OPTION_EDE && read_be16(option + 4) == ede)
            return true;
    }
    return false;
}

void upstream_hears(const char *name)
{
    uint8_t wire[NAME_WIRE_MAX];
    size_t size = wire_of(name, wire);
    hears(&scene.upstream);
    assert_memory_equal(scene.upstream.heard.data + DNS_HEADER_SIZE, wire, size);
}

void upstream_says_a(uint32_t ttl_s, uint32_t address)
{
    reply_start(&scene.said, &scene.upstream, 0);
    message_a(&scene.said, SECTION_ANSWER, "@", ttl_s, address);
    says(&scene.upstream, &scene.said);
}

void upstream_says_cname(uint32_t ttl_s, const char *target)
{
    reply_start(&scene.said, &scene.upstream, 0);
    message_cname(&scene.said, "@", ttl_s, target);
    message_a(&scene.said, SECTION_ANSWER, target, ttl_s, 0xc00002ff);
    says(&scene.upstream, &scene.said);
}

void upstream_says_many(unsigned count)
{
    reply_start(&scene.said, &scene.upstream, 0);
    for (unsigned i = 0; i < count; i++)
        message_a(&scene.said, SECTION_ANSWER, "@", 60, 0x0a000000 + i);
    says(&scene.upstream, &scene.said);
}

void upstream_tells(const char *name, uint32_t address)
{
    upstream_hears(name);
    upstream_says_a(60, address);
}
