// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"os"
	"regexp"
	"strings"

	"gocloud.dev/gcerrors"
)

// maxText bounds what is said of an error: clouds answer with whole pages.
const maxText = 900

// secrets are the variables whose values must not be repeated, whatever a client says.
var secrets = []string{
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING",
	"AZURE_CLIENT_SECRET",
}

// query is that of a URL in a text: with some clouds it holds a signature.
var query = regexp.MustCompile(`(https?://[^\s"'?]*)\?[^\s"']*`)

// clean makes one line of an error, bounded and without secrets.
func clean(err error) string {
	text := query.ReplaceAllString(err.Error(), "$1")
	for _, name := range secrets {
		if value := os.Getenv(name); value != "" {
			text = strings.ReplaceAll(text, value, "<"+name+">")
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxText {
		return text
	}
	// What went wrong stands at the beginning, what to do at the end.
	const gap = " ... "
	return strings.ToValidUTF8(text[:maxText/2], "") + gap + strings.ToValidUTF8(text[len(text)-maxText/2:], "")
}

// remedy says what to do about an error of an object store.
func remedy(err error) string {
	text := err.Error()
	switch {
	case gcerrors.Code(err) == gcerrors.PermissionDenied,
		containsAny(text, "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed", "AuthorizationFailure", "ExpiredToken", "access key"):
		return "check the credentials, and that they may put and get objects below the sink's prefix"
	case containsAny(text, "failed to refresh cached credentials", "no EC2 IMDS role", "get credentials", "DefaultAzureCredential", "get identity"):
		return "no credentials were found: set them as for the cloud's own tools, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AZURE_STORAGE_KEY"
	case containsAny(text, "Invalid region", "MissingRegion", "an AWS region is required", "region"):
		return "name the bucket's region: AWS_REGION, or ?region= in the URL"
	case containsAny(text, "dial tcp", "no such host", "connection refused", "EOF", "connection reset"):
		return "check that this machine reaches the object store"
	}
	return "see the store's own log for the request"
}

func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
