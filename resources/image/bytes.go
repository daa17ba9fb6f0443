package image

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// source is the attribute that says where the bytes come from.
func (m *model) source() path.Path {
	switch {
	case !m.SourceURL.IsNull():
		return path.Root("source_url")
	case !m.SourceImageID.IsNull():
		return path.Root("source_image_id")
	}
	return path.Root("source_file")
}

// settle fills in the formats that were not known when the plan was made.
func (r *image) settle(ctx context.Context, m *model) error {
	if !m.DiskFormat.IsUnknown() && !m.ContainerFormat.IsUnknown() {
		return nil
	}
	var is content
	var err error
	switch {
	case !m.SourceFile.IsNull():
		is, err = examine(m.SourceFile.ValueString())
	case !m.SourceImageID.IsNull():
		var w wire
		w, err = get(ctx, r.Client.Image, m.SourceImageID.ValueString())
		is = content{Format: w.DiskFormat, Container: w.ContainerFormat}
	}
	if m.DiskFormat.IsUnknown() {
		m.DiskFormat = types.StringValue(is.Format)
	}
	if m.ContainerFormat.IsUnknown() {
		m.ContainerFormat = types.StringValue(is.container())
	}
	return err
}

// bring gives a new image its bytes, and returns when it is active and they are
// those that were asked for.
func (r *image) bring(ctx context.Context, id string, m *model) (err error) {
	s, stores := r.Client.Image, client.Strings(m.Stores)
	switch {
	case !m.SourceURL.IsNull():
		err = r.imported(ctx, id, method{"name": "web-download", "uri": m.SourceURL.ValueString()}, stores)
	case !m.SourceImageID.IsNull():
		err = r.copyOf(ctx, id, m.SourceImageID.ValueString(), stores)
	default:
		err = r.upload(ctx, id, m.SourceFile.ValueString(), m.SHA512.ValueString(), stores)
	}
	if err == nil {
		err = r.waitActive(ctx, id)
	}
	if err != nil || m.SHA512.ValueString() == "" {
		return err
	}
	w, err := get(ctx, s, id)
	if err != nil {
		return err
	}
	sum, told := w.sha512()
	switch {
	case told && sum != m.SHA512.ValueString():
		return client.At("/sha512", fmt.Errorf("the image's bytes are not those that were asked for: their SHA-512 is %s", sum))
	case !told && m.SourceFile.IsNull():
		return client.At("/sha512", errors.New("the cloud does not tell the SHA-512 of its images, so that it cannot be compared"))
	}
	return nil
}

// imported has the cloud import the bytes, and waits for it.
func (r *image) imported(ctx context.Context, id string, how method, stores []string) error {
	if err := beginImport(ctx, r.Client.Image, id, how, stores); err != nil {
		return err
	}
	return r.waitImported(ctx, id, stores)
}

// copyOf copies another image's bytes: the cloud does it if it can.
func (r *image) copyOf(ctx context.Context, id, from string, stores []string) error {
	s, region := r.Client.Image, r.Client.Region
	able, err := offers(ctx, s, "glance-download")
	if err != nil {
		return err
	}
	if able && region != "" {
		return r.imported(ctx, id, method{"name": "glance-download", "glance_image_id": from, "glance_region": region}, stores)
	}
	src, err := get(ctx, s, from)
	if err != nil {
		return err
	}
	if err := r.send(ctx, id, stores, func() (io.ReadCloser, error) {
		resp, err := s.Get(ctx, s.ServiceURL("images", from, "file"), nil, &gophercloud.RequestOpts{KeepResponseBody: true})
		if err != nil {
			return nil, err
		}
		return resp.Body, nil
	}); err != nil {
		return err
	}
	if err := r.waitActive(ctx, id); err != nil {
		return err
	}
	if w, err := get(ctx, s, id); err != nil || w.Size != src.Size || w.Checksum != src.Checksum || w.HashValue != src.HashValue {
		return errors.Join(err, errors.New("the copy's bytes are not those of the image that was copied"))
	}
	return nil
}

// upload sends a file's bytes. It fails if they are not those that were planned.
func (r *image) upload(ctx context.Context, id, file, planned string, stores []string) error {
	if err := r.send(ctx, id, stores, func() (io.ReadCloser, error) { return os.Open(file) }); err != nil {
		return err
	}
	// What was sent is hashed apart: the client may have sent it twice.
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); planned != "" && sum != planned {
		return fmt.Errorf("the file %s changed between plan and apply: its SHA-512 was %.16s… and is %.16s…", file, planned, sum)
	}
	return nil
}

// send uploads bytes into stores. For several they are staged, and imported.
func (r *image) send(ctx context.Context, id string, stores []string, open func() (io.ReadCloser, error)) error {
	s := r.Client.Image
	switch len(stores) {
	case 0:
	case 1:
		to := *s
		to.MoreHeaders = map[string]string{"X-Image-Meta-Store": stores[0]}
		maps.Copy(to.MoreHeaders, s.MoreHeaders)
		s = &to
	default:
		err := put(ctx, s, id, open, "uploading", func(f io.Reader) error { return imagedata.Stage(ctx, s, id, f).Err })
		if err != nil {
			return err
		}
		return r.imported(ctx, id, method{"name": "glance-direct"}, stores)
	}
	return put(ctx, s, id, open, "active", func(f io.Reader) error { return imagedata.Upload(ctx, s, id, f).Err })
}

// uploads is how often bytes are sent whose upload got no answer.
const uploads = 3

// put makes a call that uploads. If there is no answer and the image is waiting
// for its bytes again, it is made again. done is the status that it leads to.
func put(ctx context.Context, s *gophercloud.ServiceClient, id string, open func() (io.ReadCloser, error), done string, call func(io.Reader) error) error {
	for n := 1; ; n++ {
		f, err := open()
		if err != nil {
			return err
		}
		err = call(unclosed(f))
		f.Close()
		if err == nil || client.Answered(err) || n == uploads {
			return err
		}
		w, lost := get(ctx, s, id)
		switch {
		case lost != nil:
			return err
		case w.Status == done:
			return nil
		case w.Status != "queued":
			return err
		}
	}
}

// unclosed hides Close from the call, which would use it, and keeps Seek, by which
// a file is sent once more after the token was renewed.
func unclosed(r io.Reader) io.Reader {
	if f, ok := r.(io.ReadSeeker); ok {
		return struct{ io.ReadSeeker }{f}
	}
	return struct{ io.Reader }{r}
}
