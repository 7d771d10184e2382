// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package objectstore speaks to S3, Google Cloud Storage and Azure Blob Storage. It is
// what the program schedfleet-sink is made of, and is linked into nothing else.
//
// Credentials come from where the tools of each cloud look for them; nothing of ours names them.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcerrors"
	"gocloud.dev/gcp"

	"github.com/schedfleet/schedfleet/pkg/sink"
)

// contentType is what every report is.
const contentType = "application/json"

// Main is the program: it does one command on one object, and returns its exit code.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) != 2 || args[0] != sink.CommandCreate && args[0] != sink.CommandRead {
		fmt.Fprintf(stderr, "usage: %s %s|%s URL\n%s reads the object on standard input, %s writes it to standard output.\n",
			sink.Program, sink.CommandCreate, sink.CommandRead, sink.CommandCreate, sink.CommandRead)
		return sink.ExitUsage
	}
	ctx, cancel := context.WithTimeout(ctx, sink.Timeout) // whoever started it may be gone
	defer cancel()
	err := do(ctx, args[0], args[1], stdin, stdout)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, clean(err))
	switch {
	case errors.Is(err, fs.ErrExist):
		return sink.ExitExists
	case errors.Is(err, fs.ErrNotExist):
		return sink.ExitNotThere
	case errors.Is(err, sink.ErrDigest):
		return sink.ExitChanged
	}
	return sink.ExitFailed
}

func do(ctx context.Context, command, object string, stdin io.Reader, stdout io.Writer) error {
	bucketURL, key, err := sink.Bucket(object)
	if err != nil {
		return err
	}
	bucket, err := open(ctx, bucketURL)
	if err != nil {
		return fmt.Errorf("preparing the client: %w", err)
	}
	defer bucket.Close() //nolint:errcheck // the process ends
	if command == sink.CommandRead {
		data, err := read(ctx, bucket, key)
		if err == nil {
			_, err = stdout.Write(data)
		}
		return err
	}
	data, err := io.ReadAll(io.LimitReader(stdin, sink.MaxBytes+1))
	if err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	return create(ctx, bucket, key, data)
}

// open prepares a client. It asks nobody yet, but credentials that cannot be found are
// said here, where the client itself would go on without.
func open(ctx context.Context, bucketURL string) (*blob.Bucket, error) {
	switch scheme, _, _ := strings.Cut(bucketURL, "://"); {
	case scheme == "gs" && os.Getenv("STORAGE_EMULATOR_HOST") == "":
		if _, err := gcp.DefaultCredentials(ctx); err != nil {
			return nil, fmt.Errorf("%w; set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run on a machine with a service account", err)
		}
	case scheme == "azblob" && !azureAccount(bucketURL):
		return nil, errors.New("no storage account: set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING, or add ?storage_account=NAME to the URL")
	}
	return blob.OpenBucket(ctx, bucketURL)
}

func azureAccount(bucketURL string) bool {
	for _, name := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return strings.Contains(bucketURL, "storage_account=")
}

// create makes an object unless there is one of its name, which the store itself looks
// at. One piece is one request, so there is nothing that could stay half done.
func create(ctx context.Context, bucket *blob.Bucket, key string, data []byte) error {
	err := bucket.WriteAll(ctx, key, data, &blob.WriterOptions{
		ContentType: contentType, BufferSize: len(data) + 1, MaxConcurrency: 1, IfNotExist: true,
	})
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		return nil
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return fs.ErrExist
	case gcerrors.NotFound:
		return fmt.Errorf("writing the object: there is no such bucket: make it, or name another: %w", err)
	}
	return fmt.Errorf("writing the object: %w; %s", err, remedy(err))
}

func read(ctx context.Context, bucket *blob.Bucket, key string) ([]byte, error) {
	r, err := bucket.NewReader(ctx, key, nil)
	switch gcerrors.Code(err) {
	case gcerrors.OK:
	case gcerrors.NotFound:
		return nil, fmt.Errorf("reading the object: %w", fs.ErrNotExist)
	default:
		return nil, fmt.Errorf("reading the object: %w; %s", err, remedy(err))
	}
	defer r.Close() //nolint:errcheck // only read
	if r.Size() > sink.MaxBytes {
		return nil, fmt.Errorf("the object has %d bytes; a report has at most %d", r.Size(), sink.MaxBytes)
	}
	data, err := io.ReadAll(io.LimitReader(r, sink.MaxBytes+1))
	switch {
	case err == nil:
		return data, nil
	case strings.Contains(err.Error(), "checksum did not match"): // the client has no error of its own for it
		return nil, fmt.Errorf("reading the object: its store's own checksum is of something else: %w", sink.ErrDigest)
	}
	return nil, fmt.Errorf("reading the object: %w; %s", err, remedy(err))
}
