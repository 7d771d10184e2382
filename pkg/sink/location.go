// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	schemeFile = "file"
	// maxURL and maxName keep a reference within what a NodeRun's status takes.
	maxURL  = 512
	maxName = 480
)

// parameters are what the URLs of a scheme may say beside the bucket, by scheme. Nothing
// that opens a door is among them, so a URL may be logged and published.
var parameters = map[string][]string{
	schemeFile: nil,
	"s3": {
		"region", "endpoint", "use_path_style", "disable_https", "profile", "role", "dualstack", "fips", "accelerate",
		"hostname_immutable", "ssetype", "kmskeyid", "request_checksum_calculation", "response_checksum_validation",
	},
	"gs":     {"universe_domain"},
	"azblob": {"storage_account", "domain", "protocol", "localemu", "cdn"},
}

// location is a URL of a sink, or of an object in one.
type location struct {
	scheme, bucket string
	// path is the directory of a file sink, else the part of names all objects share.
	path  string
	query url.Values
}

// parse reads a URL, or a path of the file system. What may be a secret is not repeated
// in errors.
func parse(text string) (location, error) {
	if !strings.Contains(text, "://") {
		return parsePath(text)
	}
	if len(text) > maxURL+1+maxName {
		return location{}, fmt.Errorf("the URL has %d bytes, more than any reference", len(text))
	}
	u, err := url.Parse(text)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // it repeats the whole URL
		}
		return location{}, fmt.Errorf("it is no URL: %w; write file:///DIR, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX", err)
	}
	l := location{scheme: u.Scheme, bucket: u.Host, path: strings.Trim(path.Clean("/"+u.Path), "/"), query: u.Query()}
	known, ok := parameters[u.Scheme]
	switch {
	case !ok:
		return location{}, fmt.Errorf("no sink is called %s://; there are file://, s3://, gs:// and azblob://", u.Scheme)
	case u.User != nil || u.Fragment != "":
		return location{}, fmt.Errorf("a %s:// URL holds no user, key or fragment: credentials come from the environment", u.Scheme)
	}
	for name, values := range l.query {
		if !slices.Contains(known, name) {
			return location{}, fmt.Errorf("a %s:// URL has no parameter %q; there are: %s; credentials come from the environment",
				u.Scheme, name, strings.Join(known, ", "))
		}
		if len(values) != 1 || strings.Contains(values[0], "@") {
			return location{}, fmt.Errorf("parameter %s is to be there once, and to hold no credentials", name)
		}
	}
	return l, l.checkBucket()
}

func (l *location) checkBucket() error {
	if l.scheme != schemeFile {
		if l.bucket == "" {
			return fmt.Errorf("the URL names no bucket; write %s://BUCKET/PREFIX", l.scheme)
		}
		return nil
	}
	if l.bucket != "" && l.bucket != "localhost" {
		return errors.New("a file:// URL names no host; write file:///DIR with three slashes and an absolute path")
	}
	l.bucket, l.path = "", "/"+l.path
	return nil
}

func parsePath(text string) (location, error) {
	if text == "" {
		return location{}, errors.New("neither URL nor path was given")
	}
	abs, err := filepath.Abs(text)
	if err != nil {
		return location{}, fmt.Errorf("making the path absolute: %w", err)
	}
	return location{scheme: schemeFile, path: abs}, nil
}

// String is the location's URL.
func (l location) String() string {
	u := url.URL{Scheme: l.scheme, Host: l.bucket, Path: "/" + strings.TrimPrefix(l.path, "/"), RawQuery: l.query.Encode()}
	if l.path == "" {
		u.Path = ""
	}
	return u.String()
}

// join is the location of an object of a sink.
func (l location) join(name string) location {
	l.path = path.Join(l.path, name)
	return l
}

// split parts the location of an object into that of a sink and a name.
func (l location) split() (location, string, error) {
	dir, name := path.Split(l.path)
	if name == "" {
		return l, "", errors.New("the URL names no report; it ends with the name of one, such as .../NAMESPACE/WORKLOAD/NODERUN-RUNID.json")
	}
	if dir = strings.TrimSuffix(dir, "/"); dir == "" && l.scheme == schemeFile {
		dir = "/"
	}
	l.path = dir
	return l, name, nil
}

func (l location) store() (store, error) {
	if l.scheme == schemeFile {
		return newDirectory(l.path), nil
	}
	return newProgram(l)
}

// CheckName says what is wrong with the name of a report. Names are paths of parts that
// every store and every shell takes as they are.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("the name has %d bytes; there may be %d", len(name), maxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.ContainsFunc(part, odd) {
			return fmt.Errorf("a part of the name %q is empty, begins with a dot or holds something else than letters, digits, dots, - and _", name)
		}
	}
	return nil
}

func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}

// Bucket parts the URL of an object into that of its bucket, without a prefix, and the
// object's whole key: what the clients of object stores go by.
func Bucket(object string) (bucket, key string, err error) {
	l, err := parse(object)
	if err != nil {
		return "", "", err
	}
	if l.scheme == schemeFile || l.path == "" {
		return "", "", fmt.Errorf("%s is no object of a bucket", l)
	}
	key, l.path = l.path, ""
	return l.String(), key, nil
}
