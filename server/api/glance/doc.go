// Package glance is the wire dialect of OpenStack Glance, API v2 up to 2.16: JSON
// types, small handlers and route rows over the domain package image. The front
// mounts its Service; nobody else calls it.
//
// What is told and taken is Glance's, with these differences:
//
//   - Errors are {"error": {"code", "title", "message"}}, where Glance sends a
//     page of HTML: every client shows the message of either.
//   - Bytes must be of the declared disk format, and the image must stand alone;
//     others are refused with 400 and the image is killed.
//   - A PATCH of the RFC's own media type (application/json-patch+json) is taken
//     as Glance's v2.1 is, and reaches single tags: /tags/0, /tags/-.
//   - An import's bytes are checked as an upload's are; one that fails leaves the
//     image queued, and its task tells why. glance-download is from this cloud's own
//     region, without a detour over the network.
//   - The cache is of no copies: hosts keep their own. To cache an image reads and
//     checks its bytes.
//   - A signed image needs all four properties, which are settled with its bytes; what is
//     signed is stored as it was brought. See package image/signature.
//   - Unified limits hold in the transaction that needs them, where Glance's are soft.
//   - Locations are offered only if the operator says so. No instance starts from an
//     image whose bytes are elsewhere.
//   - Tasks are of imports only, whether an image's or made by themselves (of the type
//     import), and tell their progress in per cent.
//   - GETs can be waited on, and everything can be tried in a plan session (see front).
//
// Invariants:
//
//	I1  A handler decides nothing that the domain should: it decodes, calls, renders.
//	I2  A property never has the name of a member that an image has by itself.
//	I3  In a plan session no byte is read, written or removed.
//
// It imports front, image and cloud; never a host.
package glance
