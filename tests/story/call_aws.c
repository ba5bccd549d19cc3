/* One call, made as the sidecar makes them, for test_aws_calls.py and its like:
 *
 *     call_aws SERVICE REGION ACTION [METHOD PATH QUERY] < BODY
 *
 * Prints the result, the code and the request id in a line, then the words, or the tree as JSON. */
#include "failover/aws/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG                                                                                     \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {\"a\": {\"type\": \"name\","    \
    " \"names\": [\"a.internal\"], \"targets\": {\"eu-west-1\": \"192.0.2.1\","                    \
    " \"us-west-2\": \"192.0.2.2\"}}}}"

static const struct aws_service *const services[] = {&aws_rds, &aws_cloudwatch, &aws_autoscaling,
    &aws_ec2, &aws_elbv2, &aws_ecs, &aws_cloudformation, &aws_codedeploy, &aws_ssm, &aws_route53,
    &aws_s3, &aws_sts, &aws_iam};

struct caller {
    struct loop loop;
    struct http_client *client;
    struct aws *aws;
};

static void give_up(const char *what)
{
    fprintf(stderr, "call_aws: %s\n", what);
    exit(2);
}

static const struct aws_service *find_service(const char *name)
{
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i]->name, name) == 0)
            return services[i];
    }
    give_up("no such service");
    return NULL;
}

static void on_client_freed(void *context)
{
    struct caller *caller = context;
    uv_stop(&caller->loop.uv);
}

static void on_freed(void *context)
{
    struct caller *caller = context;
    http_client_free(caller->client, on_client_freed, caller);
}

static void on_done(void *context, const struct aws_reply *reply)
{
    static const char *const results[] = {"answered", "refused", "trouble"};
    struct caller *caller = context;
    printf("%s %s %s\n", results[reply->result], reply->code ? reply->code : "-",
        reply->request_id ? reply->request_id : "-");
    if (reply->words) {
        puts(reply->words);
    } else if (reply->body) {
        char *text = cJSON_PrintUnformatted(reply->body);
        puts(text);
        cJSON_free(text);
    }
    aws_free(caller->aws, on_freed, caller);
}

static void read_input(struct text *body)
{
    char buffer[4096];
    for (size_t size; (size = fread(buffer, 1, sizeof buffer, stdin)) > 0;)
        text_add(body, buffer, size);
}

int main(int count, const char *const *arguments)
{
    static struct caller caller;
    struct config *config = NULL;
    struct config_errors errors;
    if (count != 4 && count != 7)
        give_up("usage: call_aws SERVICE REGION ACTION [METHOD PATH QUERY]");
    if (loop_init(&caller.loop, "call") < 0 ||
        config_parse("call_aws", CONFIG, strlen(CONFIG), &config, &errors) < 0)
        give_up("no loop, or no configuration");
    config_errors_fini(&errors);
    struct aws_request request = {.service = find_service(arguments[1]),
        .region = arguments[2],
        .action = arguments[3],
        .method = count == 7 ? arguments[4] : NULL,
        .path = count == 7 ? arguments[5] : NULL,
        .query = count == 7 && *arguments[6] ? arguments[6] : NULL};
    read_input(&request.body);
    caller.client = http_client_new(&caller.loop, NULL);
    caller.aws = aws_new(&caller.loop, caller.client, config, request.region);
    aws_start(caller.aws, &request, 5000, on_done, &caller);
    uv_run(&caller.loop.uv, UV_RUN_DEFAULT);
    loop_fini(&caller.loop);
    config_unref(config);
    return 0;
}
