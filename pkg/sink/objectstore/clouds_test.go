// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package objectstore_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// withoutClouds takes away what this machine may know of clouds.
func withoutClouds(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY",
		"AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	// The address that would answer on a machine of Google's; nothing listens here.
	t.Setenv("GCE_METADATA_HOST", "127.0.0.1:1")
}

func TestCloudsWithoutCredentials(t *testing.T) {
	findable(t)
	key := t.TempDir() + "/key.json"
	if err := os.WriteFile(key, []byte(`{"type":"no such type"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for title, tc := range map[string]struct {
		url  string
		env  map[string]string
		want string
	}{
		"Google, a key file that is not there": {
			url: "gs://reports/fleet", env: map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"}, want: "/nowhere/key.json",
		},
		"Google, a key file that is none": {
			url: "gs://reports/fleet", env: map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": key}, want: "GOOGLE_APPLICATION_CREDENTIALS",
		},
		"Azure, no account": {url: "azblob://reports/fleet", want: "AZURE_STORAGE_ACCOUNT"},
		"Azure, a key that is none": {
			url: "azblob://reports/fleet", env: map[string]string{"AZURE_STORAGE_ACCOUNT": "made-up", "AZURE_STORAGE_KEY": "not base64!"}, want: "base64",
		},
	} {
		t.Run(title, func(t *testing.T) {
			withoutClouds(t)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			_, err := open(t, tc.url).Put(short(t, 20*time.Second), name, []byte("x"))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.url) {
				t.Errorf("Put = %v, want the URL and %q in it", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "not base64!") {
				t.Errorf("error %q repeats the key", err)
			}
		})
	}
}
