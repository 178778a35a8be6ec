package miaobu

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

const (
	batchBytes = 8 << 20
	batchBlobs = 1000
	// A blob larger than this travels alone, in parts of this size.
	partBytes = 8 << 20
)

// DeployFolder deploys the files of a folder, such as os.DirFS("dist"), without version control, local state, local
// secrets and node_modules at its top: it sends their list, then what the server lacks of them, and queues the
// deployment. Wait for it with [Client.WaitForDeployment]. The Files of about are filled in.
func (c *Client) DeployFolder(ctx context.Context, project string, folder fs.FS, about NewDeployment) (*Deployment, error) {
	about.Files = []ManifestFile{}
	sources := map[string]string{}
	err := fs.WalkDir(folder, ".", func(place string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || place == ".":
			return err
		case isLeftOut(place) && entry.IsDir():
			return fs.SkipDir
		case isLeftOut(place) || entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", place)
		}
		content, err := fs.ReadFile(folder, place)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		digest := hex.EncodeToString(sum[:])
		about.Files = append(about.Files, ManifestFile{Path: place, SHA256: digest, SizeBytes: int64(len(content))})
		sources[digest] = place
		return nil
	})
	if err != nil {
		return nil, err
	}
	started, err := c.CreateDeployment(ctx, project, about)
	if err != nil {
		return nil, err
	}
	id := started.Data.Deployment.ID
	read := func(blob MissingBlob) ([]byte, error) { return fs.ReadFile(folder, sources[blob.SHA256]) }
	if err := c.sendBlobs(ctx, id, started.Data.Upload.Missing, read); err != nil {
		return nil, err
	}
	finished, err := c.FinishDeployment(ctx, id)
	if err != nil {
		return nil, err
	}
	return &finished.Data, nil
}

func isLeftOut(place string) bool {
	switch name := path.Base(place); name {
	case ".git", ".hg", ".svn", ".miaobu", ".DS_Store", ".env":
		return true
	case "node_modules":
		return place == name
	default:
		return strings.HasPrefix(name, ".env.")
	}
}

func (c *Client) sendBlobs(ctx context.Context, id int64, missing []MissingBlob, read func(MissingBlob) ([]byte, error)) error {
	var batch []byte
	count := 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		_, err := c.UploadBlobs(ctx, id, batch)
		batch, count = nil, 0
		return err
	}
	for _, blob := range missing {
		content, err := read(blob)
		if err != nil {
			return err
		}
		if blob.SizeBytes > partBytes {
			if err := c.sendParts(ctx, id, blob, content); err != nil {
				return err
			}
			continue
		}
		if count == batchBlobs || len(batch)+len(content) > batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, err = appendFrame(batch, blob.SHA256, content)
		if err != nil {
			return err
		}
		count++
	}
	return flush()
}

// appendFrame appends what a batch holds for one blob: its digest, its length as a big-endian number, its bytes.
func appendFrame(batch []byte, digest string, content []byte) ([]byte, error) {
	sum, err := hex.DecodeString(digest)
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%q is not a digest", digest)
	}
	batch = append(batch, sum...)
	batch = binary.BigEndian.AppendUint64(batch, uint64(len(content)))
	return append(batch, content...), nil
}

func (c *Client) sendParts(ctx context.Context, id int64, blob MissingBlob, content []byte) error {
	offset := blob.ReceivedBytes
	for offset < int64(len(content)) {
		part := content[offset:min(offset+partBytes, int64(len(content)))]
		receipt, err := c.UploadBlob(ctx, id, blob.SHA256, part, UploadBlobParams{Offset: offset})
		if err == nil {
			if offset = receipt.Data.ReceivedBytes; receipt.Data.Complete {
				return nil
			}
			continue
		}
		// A try whose answer was lost may have arrived: the server knows how far it came.
		if problem, ok := AsProblem(err); !ok || problem.Code != "offset_mismatch" {
			return err
		}
		upload, failure := c.GetUpload(ctx, id)
		if failure != nil {
			return failure
		}
		known := int64(-1)
		for _, other := range upload.Data.Missing {
			if other.SHA256 == blob.SHA256 {
				known = other.ReceivedBytes
			}
		}
		switch known {
		case -1:
			return nil
		case offset:
			return err
		}
		offset = known
	}
	return nil
}
