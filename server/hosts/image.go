package hosts

import (
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
)

const chunk = 256 << 10 // bytes of an image in one message

// FetchImage implements hostapi.HostsServer. Any host may fetch any image: what
// a host was told to run it must be able to read.
func (s *Server) FetchImage(r *hostapi.FetchImageRequest, stream hostapi.Hosts_FetchImageServer) error {
	if p, ok := peer.FromContext(stream.Context()); ok {
		if info, overTLS := p.AuthInfo.(credentials.TLSInfo); overTLS && len(info.State.VerifiedChains) == 0 {
			return status.Error(codes.Unauthenticated, "a certificate of this cloud is needed")
		}
	}
	f, size, err := s.Images.Open(stream.Context(), r.Sha256)
	if err != nil && !cloud.Is(err, cloud.NotFound) {
		s.Log.Error("image cannot be read", "sha256", r.Sha256, "error", err)
		return status.Error(codes.Unavailable, "the image cannot be read now")
	}
	if err != nil {
		return status.Errorf(codes.NotFound, "there is no image with the content %s", r.Sha256)
	}
	defer f.Close()
	if r.Offset < 0 || r.Offset > size {
		return status.Errorf(codes.OutOfRange, "the image has %d bytes: there is no offset %d", size, r.Offset)
	}
	if _, err := f.Seek(r.Offset, io.SeekStart); err != nil {
		return status.Error(codes.Internal, "the image cannot be read")
	}
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadFull(f, buf)
		if n > 0 {
			if err := stream.Send(&hostapi.ImageChunk{Data: buf[:n]}); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			s.Log.Error("image cannot be read", "sha256", r.Sha256, "error", err)
			if cloud.Is(err, cloud.Unavailable) {
				return status.Error(codes.Unavailable, "the image cannot be read now")
			}
			return status.Error(codes.DataLoss, "the image cannot be read")
		}
	}
}
