// Command cloudlet is an OpenStack-compatible cloud in one binary.
//
//	cloudlet dev       server and agent in one process: a cloud for a laptop or a pipeline
//	cloudlet server    the APIs and the state
//	cloudlet agent     one host's part: guests, their disks and networks
//	cloudlet env       print the OS_* exports of a cloud that dev or server wrote to clouds.yaml
//	cloudlet token     make a join token for an agent
//	cloudlet admin     reset a user's password, rotate the keys of tokens, restore images
//	cloudlet policy    tell who may do what, and why
//	cloudlet backup    copy the state of a running server
//	cloudlet restore   put a backup in the place of a stopped server's state
//	cloudlet version   print the version
//
// This package holds the command line only: a command declares its flags and
// calls server/node. A setting has one name, which is its flag and its attribute
// in the HCL file that -config names; what is typed wins over what is kept.
//
// Invariants:
//
//	I1  Every setting is checked before anything is opened or listened on.
//	I2  Exit status: 0 done, 1 it failed, 2 the command line or the file is wrong.
//	    Of "policy check": 0 allowed, 1 refused, 2 it cannot be told.
//	I3  Secrets are never logged. They can be given by environment or file, and no
//	    program that is started inherits them.
//	I4  clouds.yaml is the users': after a cloud's first start only the address in
//	    it, the authority if one is told, and a password that an operator resets
//	    are changed.
package main
