// Package hostapi is what server and agent say to each other: protobuf messages
// and the gRPC services that carry them. The server's end is server/hosts, the
// host's is hypervisor/agent.
//
// An agent dials, says what its host is (Hello), and from then on the stream
// carries desired state down and observed state up. Both are level-triggered: the
// first Desired of a stream is the whole of it, later ones are changes, and each
// message makes the receiver be what it says, whatever was before.
//
// Invariants:
//
//	I1  Desired state is complete: what a host needs to make a guest run, with its
//	    networks, is in it. An agent never asks back, save for image bytes.
//	I2  Messages of one direction are applied in order.
//	I3  Fields are added, never changed or reused.
package hostapi

//go:generate sh -c "protoc -I . --plugin=$(go tool -n protoc-gen-go) --plugin=$(go tool -n protoc-gen-go-grpc) --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative hostapi.proto"
