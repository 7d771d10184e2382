// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPins(t *testing.T) {
	all, err := parsePins(pins)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range all {
		if seen[p.name] {
			t.Errorf("%s stands twice in packages.txt", p.name)
		}
		seen[p.name] = true
	}
	for _, bad := range []string{"base qemu 1 stable amd64", "other qemu 1 stable amd64 " + strings.Repeat("0", 64), "base qemu 1 stable amd64 abc"} {
		if _, err := parsePins("# fine\n\n" + bad); err == nil || !strings.Contains(err.Error(), "packages.txt") {
			t.Errorf("parsePins(%q) gives the error %v, want one that names the file", bad, err)
		}
	}
}

func TestMissing(t *testing.T) {
	madison := " linux | 7.3.5-1 | mirror trixie-backports/main amd64 Packages\n seabios | 1.16 | mirror x/main all Packages\n seabios | 1.15 | mirror y/main all Packages\n"
	tests := map[string]struct {
		pins []pin
		want []string
	}{
		"all is there":           {[]pin{{name: "seabios", version: "1.15"}, {name: "linux", version: "7.3.5-1"}}, nil},
		"a newer one took over":  {[]pin{{name: "linux", version: "7.3.4-1", suite: "trixie-backports"}}, []string{"linux 7.3.4-1 in trixie-backports, but 7.3.5-1"}},
		"nothing of it is there": {[]pin{{name: "qemu", version: "1:10"}}, []string{"but no version of it"}},
		"each one is named":      {[]pin{{name: "qemu", version: "1"}, {name: "linux", version: "2"}}, []string{"longer has qemu", "longer has linux"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := missing(madison, tc.pins)
			if (err == nil) != (tc.want == nil) {
				t.Fatalf("missing() = %v, want %q", err, tc.want)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing() = %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestSourceList(t *testing.T) {
	got := sourceList("mirror", []pin{{suite: "b"}, {suite: "a"}, {suite: "b"}})
	want := "deb [arch=amd64 signed-by=" + keyring + "] mirror a main\ndeb [arch=amd64 signed-by=" + keyring + "] mirror b main\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sourceList() (-want +got):\n%s", diff)
	}
}

func TestCheckSum(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.deb")
	if err := os.WriteFile(name, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if err := checkSum(name, sum); err != nil {
		t.Error(err)
	}
	if err := checkSum(name, strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), sum) {
		t.Errorf("checkSum() = %v on a file that is another, want its sum", err)
	}
}

func TestPick(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range []string{"./usr/a.ko", "./usr/deep/b.ko"} {
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Size: 1, Mode: 0o644}), second(w.Write([]byte("x")))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "tree")
	if err := pick(bytes.NewReader(archive.Bytes()), dir, []string{"b.ko"}); err != nil {
		t.Error(err)
	}
	if names, _ := filepath.Glob(dir + "/*"); !cmp.Equal(names, []string{dir + "/b.ko"}) {
		t.Errorf("picked %q, want b.ko only", names)
	}
	if err := pick(&archive, dir, []string{"c.ko"}); err == nil || !strings.Contains(err.Error(), "c.ko") {
		t.Errorf("pick() = %v, want an error that names what is not there", err)
	}
}

func second(_ int, err error) error { return err }

func TestLockIsHeldByOne(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lock(ended, name); !errors.Is(err, context.Canceled) {
		t.Errorf("a second lock() = %v, want it to wait until its context ends", err)
	}
	unlock()
	again, err := lock(t.Context(), name)
	if err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	again()
}
