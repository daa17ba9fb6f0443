// Package inspect tells the format of a disk image from its bytes, how large the
// disk in it is, and whether it is safe to open: whether it stands alone.
//
// The image store (server/image) asks it about every upload before anything
// else may read the bytes. A name or a declared format proves nothing: a host
// that opens an image in the format that its bytes say, when they say something
// else than what was declared, can be led to read files of its own
// (CVE-2022-47951, CVE-2024-32498).
//
// The sources are QEMU's docs/interop/qcow2.txt, VMware's Virtual Disk Format
// 5.0, Microsoft's VHD 1.0 and [MS-VHDX], and ECMA-119.
//
// Invariants:
//
//	I1  What Check accepts has the declared format, by its bytes.
//	I2  What Check accepts names no other file.
//	I3  What Check accepts holds a disk of 1 byte to MaxVirtualSize, except that
//	    an empty raw image holds none.
//	I4  Check reads a few small pieces, whatever the size of the image and
//	    whatever its headers claim.
//
// It imports the standard library only.
package inspect
