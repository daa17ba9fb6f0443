"""Runs OpenStack's command-line clients many times in one interpreter.

Their start costs about a second, most of a command's time. Each line of stdin is one
command, a JSON object with the argument vector args, the directory dir, and typed, the
lines that are typed when a prompt asks; for each comes one line with its code, stdout, stderr, and what of the client it exercised:
name, options. The command "clients" lists what there is. The clients keep what they
know of a user, so that each user needs an interpreter of its own.
"""
import argparse
import fcntl
import json
import os
import sys
import tempfile
import termios
import threading


def spellings(parser):
    """The options of a parser, by each spelling their longest one; what formats output is left out."""
    known = {}
    for group in parser._action_groups:
        if "formatter" in (group.title or "").lower():
            continue
        for action in group._group_actions:
            if isinstance(action, argparse._HelpAction) or action.help == argparse.SUPPRESS:
                continue
            for s in action.option_strings:
                known[s] = max(action.option_strings, key=len)
    return known


def used(parser, args):
    known = spellings(parser)
    return sorted({known[a.split("=")[0]] for a in args if a.split("=")[0] in known})


class OpenStack:
    """The openstack command, which logs in once."""

    def __init__(self):
        from openstackclient import shell
        self.shell = s = shell.OpenStackShell()
        s.command_options = []
        s.options, _ = s.parser.parse_known_args([])
        s.configure_logging()
        s.interactive_mode = False
        s.initialize_app([])

    def run(self, args):
        s = self.shell
        factory, name, rest = s.command_manager.find_command(args)
        options = used(factory(s, s.options).get_parser(name), rest)
        return name, options, lambda: s.run_subcommand(args)

    def commands(self):
        s = self.shell
        for group in ("openstack.common", "openstack.identity.v3", "openstack.image.v2"):
            for name in s.command_manager.get_command_names(group):
                factory, _, _ = s.command_manager.find_command(name.split())
                yield name, spellings(factory(s, s.options).get_parser(name))


class Glance:
    """The glance command. It reads no clouds.yaml: it works with the token of the openstack command's shell."""

    def __init__(self, openstack):
        self.openstack = openstack

    def shell(self):
        from glanceclient import shell
        s = shell.OpenStackImagesShell()
        s.get_subcommand_parser(2, [])
        return s

    def run(self, args):
        s = self.shell()
        options = used(s.subcommands[args[0]], args[1:]) if args[0] in s.subcommands else []
        manager = self.openstack.shell.client_manager
        manager._auth_required = True
        manager.setup_auth()
        os.environ["OS_AUTH_TOKEN"] = manager.session.get_token()
        os.environ["OS_IMAGE_URL"] = manager.session.get_endpoint(service_type="image", region_name="RegionOne")
        return args[0], options, lambda: s.main(args)

    def commands(self):
        for name, parser in self.shell().subcommands.items():
            if name not in ("help", "bash-completion", "bash_completion"):
                yield name, spellings(parser)


class Terminal:
    """What the clients take for the terminal of a person, who answers prompts with the lines typed."""

    def __init__(self):
        self.typed = []
        os.setsid()
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        os.dup2(slave, 0)
        threading.Thread(target=self.answer, daemon=True).start()

    def answer(self):
        seen = b""
        while True:
            seen += os.read(self.master, 1024)
            if seen.rstrip().endswith(b":"):  # written after the echo is off
                seen = b""
                os.write(self.master, (self.typed.pop(0) if self.typed else "").encode() + b"\n")


def perform(clients, args):
    if args == ["clients"]:
        return {"commands": {client + " " + name: sorted(set(options.values())) for client, c in clients.items() for name, options in c.commands()}}
    name, options, code = "", [], 1
    try:
        name, options, call = clients[args[0]].run(args[1:])
        code = call()
        if not isinstance(code, int):  # nothing, or what a command forgot to print
            code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 1
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
    except Exception as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
    return {"code": code, "name": args[0] + " " + name, "options": options}


def main():
    replies = os.fdopen(os.dup(1), "w")
    requests = os.fdopen(os.dup(0))
    terminal = Terminal()
    files = []
    for fd in (1, 2):
        f = tempfile.TemporaryFile()
        os.dup2(f.fileno(), fd)
        os.set_inheritable(fd, True)
        files.append(f)
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stderr.reconfigure(encoding="utf-8")
    openstack = OpenStack()
    clients = {"openstack": openstack, "glance": Glance(openstack)}
    for line in requests:
        request = json.loads(line)
        for fd in (1, 2):
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        terminal.typed = request.get("typed", [])
        os.chdir(request["dir"])
        answer = perform(clients, request["args"])
        sys.stdout.flush()
        sys.stderr.flush()
        for key, fd in (("stdout", 1), ("stderr", 2)):
            answer[key] = os.pread(fd, 16 << 20, 0).decode("utf-8", "replace")
        print(json.dumps(answer), file=replies, flush=True)


main()
