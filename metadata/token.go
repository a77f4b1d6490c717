package metadata

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"eucactl/cloud"
)

// Tokens are those of EC2's version 2: a program that can be made to fetch an address
// for somebody else cannot be made to PUT first. They are kept nowhere: each carries
// its end, sealed together with its instance. The next service takes none of them, and
// clients then ask for a new one.
const (
	tokenPath   = "latest/api/token"
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	ttlHeader   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	longestTTL  = 21600
)

// token gives one to whoever may have it: not to a proxy.
func (s *Service) token(w http.ResponseWriter, r *http.Request, m cloud.Metadata) {
	if r.Method != http.MethodPut {
		w.Header().Set("Allow", "PUT")
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	if _, forwarded := r.Header["X-Forwarded-For"]; forwarded {
		refuse(w, http.StatusForbidden)
		return
	}
	ttl, err := strconv.Atoi(r.Header.Get(ttlHeader))
	if err != nil || ttl < 1 || ttl > longestTTL {
		refuse(w, http.StatusBadRequest)
		return
	}
	w.Header().Set(ttlHeader, strconv.Itoa(ttl))
	say(w, s.sealed(s.now().Add(time.Duration(ttl)*time.Second).Unix(), m.Instance))
}

// sealed is a token: its end, and a seal over that and the instance.
func (s *Service) sealed(end int64, id cloud.InstanceID) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(end))
	mac := hmac.New(sha256.New, s.seal[:])
	mac.Write(text)
	mac.Write([]byte(id))
	return base64.URLEncoding.EncodeToString(append(text, mac.Sum(nil)...))
}

func (s *Service) valid(token string, id cloud.InstanceID) bool {
	text, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(text) != 8+sha256.Size {
		return false
	}
	end := int64(binary.BigEndian.Uint64(text))
	return hmac.Equal([]byte(token), []byte(s.sealed(end, id))) && s.now().Unix() < end
}
