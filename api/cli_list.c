/* SPDX-License-Identifier: ISC */
/* cli_list.c: tine ls, tine ps. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* All pages of a list: appends to items, keeps the last page's document in *last if not NULL. */
static int
fetch_all(struct client *client, const char *path, json_t *items)
{
	char *next = strdup(""), *page;
	json_t *doc = NULL;
	int rc;

	do {
		page = path_printf("%s?limit=1000%s%s", path, next[0] ? "&cursor=" : "", next);
		rc = client_call(client, "GET", page, NULL, &doc);
		free(page);
		free(next);
		next = NULL;
		if (rc != CMD_OK)
			break;
		json_array_extend(items, json_object_get(doc, "items"));
		if (json_object_get(doc, "next") != NULL)
			next = path_escape(get_string(doc, "next", ""));
		json_decref(doc);
	} while (next != NULL);
	return rc;
}

/* ---- ls ------------------------------------------------------------------------------------ */

static const char ls_usage[] = "usage: tine ls [OPTION]...\n\nList sandboxes.\n\n" CLI_USAGE;

static void
print_sandboxes(const json_t *items)
{
	const json_t *sb;
	char buf[16];
	size_t i;

	printf("%-16s  %-16s  %-8s  %5s  %7s  %s\n", "ID", "NAME", "STATE", "PROCS", "MEMORY",
	       "CREATED");
	json_array_foreach (items, i, sb) {
		printf("%-16s  %-16s  %-8s  %5lld  %7s  %.19s\n", get_string(sb, "id", "?"),
		       get_string(sb, "name", "-"), get_string(sb, "state", "?"),
		       (long long)get_int(sb, "processes"),
		       human_bytes(get_int(sb, "memory_bytes"), buf),
		       get_string(sb, "created", ""));
		if (json_object_get(sb, "reason") != NULL) {
			printf("    ");
			print_safe(stdout, get_string(json_object_get(sb, "reason"), "detail", ""));
			putchar('\n');
		}
	}
}

int
cmd_ls(int argc, char **argv)
{
	json_t *items = json_array();
	struct client client;
	int rc;

	client_init(&client, "ls");
	rc = client_options(&client, argc, argv, ls_usage);
	if (rc < 0 && optind != argc)
		rc = client_usage_error(&client, ls_usage, "no arguments expected");
	if (rc < 0) {
		rc = fetch_all(&client, "/v1/sandboxes", items);
		if (rc == CMD_OK && client.json)
			print_json(items);
		else if (rc == CMD_OK)
			print_sandboxes(items);
	}
	json_decref(items);
	client_fini(&client);
	return rc;
}

/* ---- ps ------------------------------------------------------------------------------------ */

static const char ps_usage[] =
    "usage: tine ps [OPTION]... [SANDBOX]\n"
    "\n"
    "List the processes of a sandbox, or of all, as a tree.  F is shown for a process that was\n"
    "forked and has not called exec.\n\n" CLI_USAGE;

struct node { /* of the tree */
	const json_t *info;
	int64_t pid, ppid;
	bool shown;
};

struct tree {
	struct node *node; /* sorted by ppid, then pid */
	size_t n;
};

static int
by_parent(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->ppid != y->ppid)
		return x->ppid < y->ppid ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static size_t
first_child(const struct tree *tree, int64_t pid)
{
	size_t lo = 0, hi = tree->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (tree->node[mid].ppid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
print_process(const json_t *p, int depth)
{
	char rss[16];

	printf("%7lld %7lld %7lld %7lld %-2s %-1s %4lld %8s %8.3f  %*s",
	       (long long)get_int(p, "pid"), (long long)get_int(p, "ppid"),
	       (long long)get_int(p, "pgid"), (long long)get_int(p, "sid"),
	       get_string(p, "state", "?"), get_bool(p, "afork") ? "F" : "",
	       (long long)get_int(p, "threads"), human_bytes(get_int(p, "rss"), rss),
	       (double)(get_int(p, "utime_ns") + get_int(p, "stime_ns")) / 1e9, 2 * depth, "");
	print_safe(stdout, get_string(p, "comm", "?"));
	putchar('\n');
}

/* The shown flag ends a circle, should a guest claim one. */
static void
print_tree(struct tree *tree, struct node *node, int depth)
{
	if (node->shown || depth > 64)
		return;
	node->shown = true;
	print_process(node->info, depth);
	for (size_t i = first_child(tree, node->pid);
	     i < tree->n && tree->node[i].ppid == node->pid; i++)
		print_tree(tree, &tree->node[i], depth + 1);
}

static bool
has_parent(const json_t *pids, int64_t ppid)
{
	char key[24];

	snprintf(key, sizeof(key), "%lld", (long long)ppid);
	return json_object_get(pids, key) != NULL;
}

static void
print_processes(const json_t *items)
{
	struct tree tree = {.node = calloc(json_array_size(items) + 1, sizeof(struct node))};
	json_t *pids = json_object();
	const json_t *info;
	char key[24];
	size_t i;

	if (tree.node == NULL)
		abort();
	json_array_foreach (items, i, info) {
		tree.node[tree.n++] = (struct node){
		    .info = info, .pid = get_int(info, "pid"), .ppid = get_int(info, "ppid")};
		snprintf(key, sizeof(key), "%lld", (long long)get_int(info, "pid"));
		json_object_set_new(pids, key, json_true());
	}
	qsort(tree.node, tree.n, sizeof(struct node), by_parent);
	printf("%7s %7s %7s %7s %-2s %-1s %4s %8s %8s  %s\n", "PID", "PPID", "PGID", "SID", "S",
	       "F", "THR", "RSS", "TIME", "COMMAND");
	for (i = 0; i < tree.n; i++)
		if (tree.node[i].ppid == tree.node[i].pid || !has_parent(pids, tree.node[i].ppid))
			print_tree(&tree, &tree.node[i], 0);
	for (i = 0; i < tree.n; i++) /* whoever is left */
		print_tree(&tree, &tree.node[i], 0);
	json_decref(pids);
	free(tree.node);
}

static int
ps_one(struct client *client, const char *sandbox)
{
	char *id = path_escape(sandbox), *path = path_printf("/v1/sandboxes/%s/processes", id);
	json_t *items = json_array();
	int rc = fetch_all(client, path, items);

	if (rc == CMD_OK && client->json)
		print_json(items);
	else if (rc == CMD_OK)
		print_processes(items);
	json_decref(items);
	free(path);
	free(id);
	return rc;
}

static int
ps_all(struct client *client)
{
	json_t *sandboxes = json_array(), *sb;
	int rc = fetch_all(client, "/v1/sandboxes", sandboxes), one;
	size_t i;

	json_array_foreach (sandboxes, i, sb) {
		if (strcmp(get_string(sb, "state", ""), "ready") != 0)
			continue;
		if (!client->json)
			printf("%s %s\n", get_string(sb, "id", "?"), get_string(sb, "name", ""));
		one = ps_one(client, get_string(sb, "id", "?"));
		rc = one != CMD_OK ? one : rc;
	}
	json_decref(sandboxes);
	return rc;
}

int
cmd_ps(int argc, char **argv)
{
	struct client client;
	int rc;

	client_init(&client, "ps");
	rc = client_options(&client, argc, argv, ps_usage);
	if (rc < 0 && argc - optind > 1)
		rc = client_usage_error(&client, ps_usage, "one sandbox at most");
	if (rc < 0)
		rc = optind < argc ? ps_one(&client, argv[optind]) : ps_all(&client);
	client_fini(&client);
	return rc;
}
