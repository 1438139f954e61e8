package api

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

// Upload is a form with a file as its last part, which was not read yet.
type Upload struct {
	Fields map[string]string
	File   io.Reader
}

// Uploads are a form with files, which were read into memory.
type Uploads struct {
	Fields map[string]string
	Files  map[string][]byte // by name; those of the same one are numbered
}

// maxField bounds a field, in bytes; there are few of them, and not many files.
const (
	maxField  = 2 << 10
	maxFields = 8
	maxFiles  = 1000
)

// ReadUpload reads a form up to its file, so that the fields can be judged before
// anything large is taken.
func ReadUpload(r *http.Request, file string) (Upload, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return Upload{}, errNoForm
	}
	u := Upload{Fields: map[string]string{}}
	for range maxFields {
		var p *multipart.Part
		if p, err = parts.NextPart(); err != nil {
			break
		}
		if p.FormName() == file {
			u.File = p
			return u, nil
		}
		if err := readField(p, u.Fields); err != nil {
			return Upload{}, err
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return Upload{}, cutOff(err)
	}
	return Upload{}, &requestError{http.StatusBadRequest, "the form has no " + file}
}

// ReadUploads reads a form with files of together at most most bytes. A field of
// files that is left empty is none.
func ReadUploads(r *http.Request, file string, most int) (Uploads, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return Uploads{}, errNoForm
	}
	u := Uploads{Fields: map[string]string{}, Files: map[string][]byte{}}
	for range maxFields + maxFiles {
		p, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			if len(u.Files) == 0 {
				return Uploads{}, &Failure{Status: http.StatusBadRequest, Field: "files", Err: errors.New("choose the files first")}
			}
			return u, nil
		case err != nil:
			return Uploads{}, cutOff(err)
		case p.FormName() == file:
			err = u.take(p, &most)
		case len(u.Fields) >= maxFields:
			err = &requestError{http.StatusBadRequest, "the form has too many fields"}
		default:
			err = readField(p, u.Fields)
		}
		if err != nil {
			return Uploads{}, err
		}
	}
	return Uploads{}, &Failure{Status: http.StatusRequestEntityTooLarge, Field: "files", Err: fmt.Errorf("these are more than %d files: pack the folder as zip or tar.gz", maxFiles)}
}

// take reads a file while there is room for it.
func (u *Uploads) take(p *multipart.Part, room *int) error {
	b, err := io.ReadAll(io.LimitReader(p, int64(*room)+1))
	if err != nil {
		return cutOff(err)
	}
	if len(b) > *room {
		return tooLarge()
	}
	name := p.FileName()
	if name == "" && len(b) == 0 {
		return nil
	}
	for n, base := 2, name; u.Files[name] != nil; n++ {
		name = fmt.Sprintf("%d/%s", n, base)
	}
	*room -= len(b)
	u.Files[name] = b
	return nil
}

// readField reads a field that is no file.
func readField(p *multipart.Part, into map[string]string) error {
	b, err := io.ReadAll(io.LimitReader(p, maxField+1))
	if err != nil || len(b) > maxField {
		return &requestError{http.StatusBadRequest, "a field of the form is too long or cut off"}
	}
	into[p.FormName()] = string(b)
	return nil
}

var errNoForm = &requestError{http.StatusUnsupportedMediaType, "the body must be sent as multipart/form-data"}

// cutOff is a form that ends too early.
func cutOff(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge()
	}
	return &requestError{http.StatusBadRequest, "the form cannot be read: " + err.Error()}
}

func tooLarge() error {
	return &Failure{Status: http.StatusRequestEntityTooLarge, Field: "files", Err: fmt.Errorf("the files are larger than any WireGuard server's: %d MiB are the limit", MaxImport>>20)}
}
