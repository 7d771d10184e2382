// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const name = "team/latency/latency-node-a-1-abcdefgh.json"

func openFile(t *testing.T) (s *Sink, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "not", "there yet")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestFileSink(t *testing.T) {
	s, dir := openFile(t)
	data := []byte(`{"runID":"abcdefgh"}`)
	ref, err := s.Put(t.Context(), name, data)
	if err != nil {
		t.Fatal(err)
	}
	want := Reference{
		URL:    "file://" + strings.ReplaceAll(filepath.Join(dir, name), " ", "%20"),
		SHA256: "f486df664496c55e93f8221a88ed1fe8b26e361ed343af41bd8aa8e5e3fe2c16", Bytes: int64(len(data)),
	}
	if diff := cmp.Diff(want, ref); diff != "" {
		t.Errorf("reference (-want +got):\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil || info.Mode().Perm()&^0o644 != 0 {
		t.Errorf("the file has mode %v (%v), want at most 0644", info.Mode(), err)
	}
	for _, at := range []string{ref.URL, filepath.Join(dir, name)} {
		if got, err := Get(t.Context(), at, ref.SHA256); err != nil || !bytes.Equal(got, data) {
			t.Errorf("Get %s = %q, %v", at, got, err)
		}
	}
	if again, err := s.Put(t.Context(), name, data); err != nil || again != ref {
		t.Errorf("delivered twice: %+v, %v; want the same reference", again, err)
	}
	if _, err := s.Put(t.Context(), name, []byte("other")); !errors.Is(err, ErrConflict) {
		t.Errorf("another content: %v, want ErrConflict", err)
	}
	assertFiles(t, dir, name)
}

// assertFiles looks at what is below a directory.
func assertFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got = append(got, rel)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestFileSinkAfterAKilledWriter(t *testing.T) {
	s, dir := openFile(t)
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), tempPrefix+filepath.Base(file)), []byte("ha"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), name, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	assertFiles(t, dir, name)
}

func TestGetRefuses(t *testing.T) {
	s, dir := openFile(t)
	ref, err := s.Put(t.Context(), name, []byte("as measured"))
	if err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge.json")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, MaxBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), ref.URL+"x", ref.SHA256); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v, want fs.ErrNotExist", err)
	}
	if _, err := Get(t.Context(), huge, ""); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v, want that it is too large", err)
	}
	if _, err := Get(t.Context(), dir, ""); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v, want that it is no file", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("as wished!!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), ref.URL, ref.SHA256); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), ref.SHA256) {
		t.Errorf("a changed file: %v, want ErrDigest and the digest", err)
	}
}

// TestFileSystemThatDoesNotAnswer reads a FIFO that nobody writes, which blocks as a
// dead NFS server does.
func TestFileSystemThatDoesNotAnswer(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("the test's limit"))
	defer cancel()
	_, err := Get(ctx, fifo, "")
	if err == nil || !strings.Contains(err.Error(), "does not answer: the test's limit") {
		t.Errorf("Get = %v, want that the file system does not answer", err)
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // lets the reader go
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
}

func TestOpenRefuses(t *testing.T) {
	for title, tc := range map[string]struct{ url, want string }{
		"nothing":                        {"", "neither URL nor path"},
		"another scheme":                 {"http://example.com/x", "no sink is called http://"},
		"a secret as the user":           {"s3://AKIA:hidden@bucket/x", "credentials come from the environment"},
		"a secret in what is no URL":     {"s3://AKIA:hidden%zz@bucket", "it is no URL"},
		"a secret as a parameter":        {"azblob://c/x?sig=hidden", "no parameter \"sig\""},
		"a secret within a parameter":    {"s3://b/x?endpoint=https://key:hidden@host", "no credentials"},
		"no bucket":                      {"gs:///prefix", "names no bucket"},
		"a relative file URL":            {"file://reports", "three slashes"},
		"a parameter of another's":       {"gs://b/x?region=here", "no parameter"},
		"more than fits into references": {"file:///" + strings.Repeat("x", 600), "do not fit"},
	} {
		t.Run(title, func(t *testing.T) {
			_, err := Open(tc.url)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Open = %v, want %q in it", err, tc.want)
			}
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("error %q repeats the secret", err)
			}
		})
	}
}

func TestObjectStoreWithoutTheProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Open("s3://bucket/x"); err == nil || !strings.Contains(err.Error(), Program) {
		t.Errorf("Open = %v, want the name of the program that is missing", err)
	}
}

func TestCheckName(t *testing.T) {
	for title, tc := range map[string]struct {
		name string
		ok   bool
	}{
		"as reports are called":    {name, true},
		"a way out":                {"a/../../etc/passwd", false},
		"an absolute path":         {"/etc/passwd", false},
		"nothing":                  {"", false},
		"a file that is not whole": {"a/" + tempPrefix + "b", false},
		"what a URL would change":  {"a/b?c", false},
		"too long":                 {strings.Repeat("x", maxName+1), false},
	} {
		t.Run(title, func(t *testing.T) {
			if err := CheckName(tc.name); (err == nil) != tc.ok {
				t.Errorf("CheckName = %v", err)
			}
		})
	}
}

func TestBucket(t *testing.T) {
	bucket, key, err := Bucket("s3://bucket/pre/fix/a.json?region=here")
	if err != nil || bucket != "s3://bucket?region=here" || key != "pre/fix/a.json" {
		t.Errorf("Bucket = %q, %q, %v", bucket, key, err)
	}
	for _, object := range []string{"file:///a/b", "s3://bucket", "s3://bucket/"} {
		if _, _, err := Bucket(object); err == nil {
			t.Errorf("Bucket(%q) succeeded", object)
		}
	}
}

func TestPutRefusesWhatIsTooLarge(t *testing.T) {
	s, dir := openFile(t)
	if _, err := s.Put(t.Context(), name, make([]byte, MaxBytes+1)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("Put = %v, want the limit", err)
	}
	assertFiles(t, dir)
}

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	for _, text := range []string{"first", "second"} {
		ref, err := WriteFile(t.Context(), path, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Get(t.Context(), ref.URL, ref.SHA256); err != nil || string(got) != text {
			t.Errorf("there is %q (%v), want %q", got, err, text)
		}
	}
	assertFiles(t, filepath.Dir(path), "report.json")
	device := filepath.Join(t.TempDir(), "stdout")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteFile(t.Context(), device, []byte("x")); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("WriteFile over a link to a device = %v, want that it is not replaced", err)
	}
	assertFiles(t, filepath.Dir(device), "stdout")
}
