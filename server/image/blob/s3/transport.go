package s3

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"
)

// authorities reads those that a store's host is checked with.
func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

// dial connects to a store's host.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return idling{conn}, nil
}

// idling is a connection that breaks when somebody has waited for Idle and no bytes
// went either way.
type idling struct{ net.Conn }

func (c idling) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(Idle)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write extends a Read under way too: the answer comes after the last byte.
func (c idling) Write(b []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(Idle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
