package hosts

import (
	"context"
	"path/filepath"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Admin implements hostapi.AdminServer. Serve it on a Unix socket that only the
// operator may open.
type Admin struct {
	hostapi.UnimplementedAdminServer
	Store *statestore.Store
	// WriteBackup copies the whole cloud into a directory that does not exist.
	WriteBackup func(ctx context.Context, dir string) error
	// SetPassword gives a user, named with its domain, a password.
	SetPassword func(ctx context.Context, domain, user, password string) error
	// NewKeys has new tokens sealed under a new key.
	NewKeys func(ctx context.Context) error
	// DeletedImages are the images that are deleted but can be restored.
	DeletedImages func() []*hostapi.DeletedImage
	// Undelete restores one.
	Undelete func(ctx context.Context, id string) error
	// Caller tells who a user is in a scope.
	Caller func(r *hostapi.GetCallerRequest) (*hostapi.GetCallerReply, error)
}

// NewJoinToken implements hostapi.AdminServer.
func (a Admin) NewJoinToken(ctx context.Context, r *hostapi.NewJoinTokenRequest) (*hostapi.NewJoinTokenReply, error) {
	token, err := NewJoinToken(ctx, a.Store, time.Duration(r.ValidSeconds)*time.Second)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &hostapi.NewJoinTokenReply{Token: token}, nil
}

// Backup implements hostapi.AdminServer.
func (a Admin) Backup(ctx context.Context, r *hostapi.BackupRequest) (*hostapi.BackupReply, error) {
	if !filepath.IsAbs(r.Directory) {
		return nil, status.Error(codes.InvalidArgument, "the directory must be an absolute path")
	}
	if err := a.WriteBackup(ctx, r.Directory); err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	return &hostapi.BackupReply{}, nil
}

// ResetPassword implements hostapi.AdminServer.
func (a Admin) ResetPassword(ctx context.Context, r *hostapi.ResetPasswordRequest) (*hostapi.ResetPasswordReply, error) {
	if err := a.SetPassword(ctx, r.DomainName, r.UserName, r.Password); err != nil {
		return nil, status.Error(codes.FailedPrecondition, cloud.AsError(err).Msg)
	}
	return &hostapi.ResetPasswordReply{}, nil
}

// RotateKeys implements hostapi.AdminServer.
func (a Admin) RotateKeys(ctx context.Context, _ *hostapi.RotateKeysRequest) (*hostapi.RotateKeysReply, error) {
	if err := a.NewKeys(ctx); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &hostapi.RotateKeysReply{}, nil
}

// ListDeletedImages implements hostapi.AdminServer.
func (a Admin) ListDeletedImages(context.Context, *hostapi.ListDeletedImagesRequest) (*hostapi.ListDeletedImagesReply, error) {
	return &hostapi.ListDeletedImagesReply{Images: a.DeletedImages()}, nil
}

// RestoreImage implements hostapi.AdminServer.
func (a Admin) RestoreImage(ctx context.Context, r *hostapi.RestoreImageRequest) (*hostapi.RestoreImageReply, error) {
	if err := a.Undelete(ctx, r.Id); err != nil {
		return nil, status.Error(codes.FailedPrecondition, cloud.AsError(err).Msg)
	}
	return &hostapi.RestoreImageReply{}, nil
}

// GetCaller implements hostapi.AdminServer.
func (a Admin) GetCaller(_ context.Context, r *hostapi.GetCallerRequest) (*hostapi.GetCallerReply, error) {
	reply, err := a.Caller(r)
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, cloud.AsError(err).Msg)
	}
	return reply, nil
}
