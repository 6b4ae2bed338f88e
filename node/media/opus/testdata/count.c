/* A plugin of QEMU that counts instructions and says how many at the end. The
 * declarations are those of qemu-plugin.h, which Debian does not install; they
 * are of version 1 of the interface, which QEMU 7.2 speaks. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t plugin;
struct block;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin, void (*)(plugin, struct block *));
extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int add, void *to, uint64_t n);
extern void qemu_plugin_register_atexit_cb(plugin, void (*)(plugin, void *), void *);

int qemu_plugin_version = 1;
static uint64_t executed;

static void translated(plugin id, struct block *b)
{
	qemu_plugin_register_vcpu_tb_exec_inline(b, 0, &executed, qemu_plugin_tb_n_insns(b));
}

static void ended(plugin id, void *unused)
{
	fprintf(stderr, "instructions: %llu\n", (unsigned long long)executed);
}

int qemu_plugin_install(plugin id, const void *info, int argc, char **argv)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
