// Package driverpb holds the protobuf messages and the gRPC service between the
// agent and a driver in a process of its own. Only package plugin uses it.
package driverpb

//go:generate sh -c "protoc -I . --plugin=$(go tool -n protoc-gen-go) --plugin=$(go tool -n protoc-gen-go-grpc) --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative driver.proto"
