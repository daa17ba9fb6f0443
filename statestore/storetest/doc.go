// Package storetest holds what tests of a state store need: the contract that
// every engine must keep (Contract), a disk in memory that loses power when told
// (Disk), and an engine that is cut off at a chosen commit (Crashy).
//
// A crash test of something built on a store runs it on a Disk once to count
// the commits, then once for each commit and each side of it:
//
//	disk := storetest.NewDisk()
//	eng := disk.MustOpen(t)
//	cut := storetest.NewCrashy(eng, k, storetest.AfterDurable)
//	… run the whole thing on cut; it fails from commit k on …
//	disk.PowerCycle()
//	… run it again on disk.MustOpen(t): what was acknowledged must be there …
package storetest
