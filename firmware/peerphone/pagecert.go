package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"

	"github.com/google/renameio/v2"
)

// pageCertificate reads the certificate of the page over HTTPS, and makes one
// when there is none. Nobody has signed it: a browser asks its user once.
func pageCertificate(file string) (tls.Certificate, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newPageCertificate(time.Now()); err == nil {
			err = renameio.WriteFile(file, text, 0o600)
		}
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the page's certificate: %w", err)
	}
	return tls.X509KeyPair(text, text)
}

// newPageCertificate returns a fresh key and its certificate, in PEM.
func newPageCertificate(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "peerphone"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(20, 0, 0), // boards have no clock at first
		DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}
