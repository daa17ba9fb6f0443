// Package clients walks through OpenStack's command-line clients, openstack and
// glance, command by command and option by option, against a whole cloud. It holds
// tests only.
//
// Each script in testdata is a session, as a person would type it, with what must
// come of it (the language is rogpeppe/go-internal/testscript). Besides openstack and
// glance a script has
//
//	let NAME [REGEXP]  the last output, or what matches in it, becomes a variable
//	type LINE…         what the next command's prompts are answered with
//	settled ID…        waits until images, with their tasks, and instances are at rest
//
// The variable OS_CLOUD says who works: a cloud of the clouds.yaml that the test
// writes. A script works in a domain of its own, for scripts run at the same time.
//
// The clients run as they are installed (python3-openstackclient,
// python3-glanceclient), but many commands in one interpreter: testdata/clients.py.
// Without them the walk is skipped, loudly; with CLOUDLET_TEST_NOSKIP=1 it fails.
//
// Invariant:
//
//	I1  What the clients offer of identity and images, each command and each option,
//	    succeeds in a script or is in testdata/unexercised.golden with a reason. What is
//	    there and succeeds all the same must go from it.
package clients
