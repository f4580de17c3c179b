/* SPDX-License-Identifier: ISC */
/* cli_exec.c: `tine exec`: run a program in a sandbox as if it ran here. */
#include <stdlib.h>
#include <string.h>

#include "cli_exec.h"
#include "cli_tty.h"
#include "decode.h"

static const char usage[] =
    "usage: tine exec [OPTION]... SANDBOX PROGRAM [ARG]...\n"
    "\n"
    "Run a program in a sandbox; its output, and its exit status, become those of tine exec.\n"
    "\n"
    "  -i, --interactive     pass standard input on\n"
    "  -t, --tty             give it a terminal (implies -i)\n"
    "  -d, --detach          do not wait: print its launch handle\n"
    "  -e, --env NAME=VALUE  can be repeated; NAME alone passes our own value on\n"
    "  -w, --cwd DIR\n"
    "  -u, --user UID[:GID]\n" CLI_USAGE;

/* ---- options ------------------------------------------------------------------------------- */

static int
set_user(struct exec *e, char *arg)
{
	char *colon = strchr(arg, ':');
	uint64_t uid, gid;

	if (colon != NULL)
		*colon = '\0';
	if (parse_uint(arg, UINT32_MAX - 1, &uid) < 0)
		return -1;
	gid = uid;
	if (colon != NULL && parse_uint(colon + 1, UINT32_MAX - 1, &gid) < 0)
		return -1;
	json_object_set_new(e->body, "uid", json_integer((json_int_t)uid));
	json_object_set_new(e->body, "gid", json_integer((json_int_t)gid));
	return 0;
}

static int
set_env(struct exec *e, char *arg)
{
	char *equals = strchr(arg, '=');
	const char *value = equals != NULL ? equals + 1 : getenv(arg);

	if (equals == arg)
		return -1;
	if (equals != NULL)
		*equals = '\0';
	if (value != NULL)
		json_object_set_new(e->env, arg, json_string(value));
	return 0;
}

static int
one_option(struct exec *e, int opt)
{
	switch (opt) {
	case 'i':
		e->interactive = true;
		return -1;
	case 't':
		e->interactive = e->tty = true;
		return -1;
	case 'd':
		e->detach = true;
		return -1;
	case 'e':
		return set_env(e, optarg) == 0
			   ? -1
			   : client_usage_error(e->client, usage, "--env: NAME=VALUE expected");
	case 'w':
		json_object_set_new(e->body, "cwd", json_string(optarg));
		return -1;
	case 'u':
		return set_user(e, optarg) == 0
			   ? -1
			   : client_usage_error(e->client, usage, "--user: UID[:GID] expected");
	default:
		return client_option(e->client, opt, usage);
	}
}

static int
options(struct exec *e, int argc, char **argv)
{
	static const struct option table[] = {{"interactive", no_argument, NULL, 'i'},
					      {"tty", no_argument, NULL, 't'},
					      {"detach", no_argument, NULL, 'd'},
					      {"env", required_argument, NULL, 'e'},
					      {"cwd", required_argument, NULL, 'w'},
					      {"user", required_argument, NULL, 'u'},
					      CLI_OPTIONS};
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "+itde:w:u:h", table, NULL)) != -1) {
		rc = one_option(e, opt);
		if (rc >= 0)
			return rc;
	}
	if (argc - optind < 2)
		return client_usage_error(e->client, usage, "SANDBOX and PROGRAM expected");
	return -1;
}

/* ---- launch -------------------------------------------------------------------------------- */

static void
complete_body(struct exec *e, int argc, char **argv)
{
	json_t *args = json_array();
	uint16_t rows, cols;

	for (int i = 0; i < argc; i++)
		json_array_append_new(args, json_string(argv[i]));
	json_object_set_new(e->body, "argv", args);
	json_object_set_new(e->body, "stdin", json_string(e->interactive ? "open" : "closed"));
	if (!e->detach)
		json_object_set_new(e->body, "stdout_policy", json_string("block"));
	if (json_object_size(e->env) > 0) {
		if (json_object_get(e->env, "PATH") == NULL)
			json_object_set_new(
			    e->env, "PATH",
			    json_string("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
					"/sbin:/bin"));
		if (json_object_get(e->env, "HOME") == NULL)
			json_object_set_new(e->env, "HOME", json_string("/"));
		json_object_set(e->body, "env", e->env);
	}
	if (e->tty) {
		cli_tty_size(0, &rows, &cols);
		json_object_set_new(e->body, "tty",
				    json_pack("{s:i, s:i}", "rows", (int)rows, "cols", (int)cols));
	}
}

/* Which status tells what an exec(2) failure was, as shells do. */
static int
launch_status(const json_t *doc)
{
	const char *name = get_string(doc, "errno", "");

	if (strcmp(name, "ENOENT") == 0)
		return CMD_EXEC_NOT_FOUND;
	return name[0] != '\0' ? CMD_EXEC_CANNOT : CMD_EXEC_FAILURE;
}

static int
launch(struct exec *e, const char *sandbox)
{
	char *id = path_escape(sandbox), *path = path_printf("/v1/sandboxes/%s/processes", id);
	char *text = json_dumps(e->body, JSON_COMPACT);
	json_t *doc = NULL;
	int status = 0, rc = CMD_EXEC_FAILURE;

	if (text == NULL) {
		client_error(e->client, "arguments have to be UTF-8");
	} else {
		rc = client_try(e->client, "POST", path, "application/json", text, strlen(text),
				&status, &doc);
		if (rc == CMD_OK && status != 201) {
			client_problem(e->client, status, doc);
			rc = launch_status(doc);
		} else if (rc == CMD_OK) {
			e->base = path_printf("%s/l%lld", path, (long long)get_int(doc, "launch"));
			if (e->detach && e->client->json)
				print_json(doc);
			else if (e->detach)
				printf("l%lld\n", (long long)get_int(doc, "launch"));
		} else {
			rc = CMD_EXEC_FAILURE;
		}
	}
	json_decref(doc);
	free(text);
	free(path);
	free(id);
	return rc;
}

/* ---- the command --------------------------------------------------------------------------- */

int
cmd_exec(int argc, char **argv)
{
	struct exec *e = calloc(1, sizeof(*e));
	struct client client;
	int rc;

	if (e == NULL)
		return CMD_EXEC_FAILURE;
	client_init(&client, "exec");
	e->client = &client;
	e->body = json_object();
	e->env = json_object();
	e->out[0].x.fd = e->out[1].x.fd = e->wait.fd = -1;
	rc = options(e, argc, argv);
	if (rc < 0) {
		complete_body(e, argc - optind - 1, argv + optind + 1);
		rc = launch(e, argv[optind]);
		if (rc == CMD_OK && !e->detach)
			rc = exec_attach(e);
	} else if (rc == CMD_USAGE) {
		rc = CMD_EXEC_FAILURE;
	}
	json_decref(e->body);
	json_decref(e->env);
	free(e->base);
	free(e);
	client_fini(&client);
	return rc;
}
