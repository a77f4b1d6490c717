// Package seed makes the small disk that tells a new machine who it is: a
// NoCloud seed, which cloud-init (and anything that can mount FAT) finds by its
// label `cidata`. It holds meta-data (instance id, hostname, public key) and
// user-data.
//
// The same Seed always gives the same bytes, so a host can compare a sum: the
// volume id is zero and every time on the disk is the FAT epoch. FAT12 with
// long names is what go-diskfs can make in memory in 128 KiB; its ISO 9660
// wants a workspace on disk and stamps the present time into the volume.
//
// The package touches no file, no clock of its own, and knows no cloud.
package seed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/diskfs/go-diskfs/filesystem/fat12"
)

// Label is the volume label by which cloud-init knows a NoCloud seed.
const Label = "cidata"

// MaxUserData is the most user data a machine can be given, as in EC2: 16 KiB
// before any base64.
const MaxUserData = 16 << 10

// MaxPublicKey bounds the key's line; an RSA key of 16384 bits needs 2.8 KiB.
const MaxPublicKey = 16 << 10

// diskSize holds both files at their largest with room to spare.
const diskSize = 128 << 10

// A Seed is what one machine is told about itself.
type Seed struct {
	InstanceID string // i-xxxxxxxx
	Hostname   string
	PublicKey  string // one line in authorized_keys form; may be empty
	UserData   []byte // given to the guest byte for byte; may be empty
}

// Image returns the seed's disk: 128 KiB, FAT12, read-only in spirit. Equal
// seeds give equal bytes.
func Image(s Seed) ([]byte, error) {
	meta, err := metaData(s)
	if err != nil {
		return nil, fmt.Errorf("seed of %q: %w", s.InstanceID, err)
	}
	if len(s.UserData) > MaxUserData {
		return nil, fmt.Errorf("seed of %q: user data of %d bytes, at most %d are possible", s.InstanceID, len(s.UserData), MaxUserData)
	}
	disk := &memory{bytes: make([]byte, diskSize)}
	fat, err := fat12.Create(disk, diskSize, 0, 512, Label, true)
	if err != nil {
		return nil, fmt.Errorf("seed of %q: %w", s.InstanceID, err)
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{"meta-data", meta}, {"user-data", s.UserData}} {
		if err := put(fat, f.name, f.content); err != nil {
			return nil, fmt.Errorf("seed of %q: %s: %w", s.InstanceID, f.name, err)
		}
	}
	if err := timeless(fat, Label); err != nil {
		return nil, fmt.Errorf("seed of %q: label: %w", s.InstanceID, err)
	}
	return disk.bytes, nil
}

// put writes one file of the root directory.
func put(fat *fat12.FileSystem, name string, content []byte) error {
	f, err := fat.OpenFile("/"+name, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return err
	}
	if len(content) > 0 {
		if _, err := f.Write(content); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return timeless(fat, name)
}

// timeless gives an entry the FAT epoch as its times, for go-diskfs has stamped
// it with the present.
func timeless(fat *fat12.FileSystem, name string) error {
	epoch := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	return fat.Chtimes("/"+name, epoch, epoch, epoch)
}

// metaData writes the meta-data file: YAML whose every scalar is a JSON string,
// which YAML reads as the same text, so nothing given can become syntax.
func metaData(s Seed) ([]byte, error) {
	if s.InstanceID == "" {
		return nil, fmt.Errorf("no instance id")
	}
	if len(s.PublicKey) > MaxPublicKey {
		return nil, fmt.Errorf("public key of %d bytes, at most %d are possible", len(s.PublicKey), MaxPublicKey)
	}
	var b bytes.Buffer
	for _, line := range []struct{ before, text string }{
		{"instance-id: ", s.InstanceID},
		{"local-hostname: ", s.Hostname},
		{"public-keys:\n- ", strings.TrimSpace(s.PublicKey)},
	} {
		if line.text == "" {
			continue
		}
		quoted, err := scalar(line.text)
		if err != nil {
			return nil, err
		}
		b.WriteString(line.before + quoted + "\n")
	}
	return b.Bytes(), nil
}

// scalar is text as a double-quoted YAML scalar on one line. Go's encoder
// already escapes control characters; DEL and the C1 controls, which JSON
// allows bare and YAML does not, follow.
func scalar(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("%q is not valid UTF-8", text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range string(quoted) {
		if r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String(), nil
}
