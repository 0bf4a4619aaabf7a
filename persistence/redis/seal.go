package redis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// seal makes records unreadable to who does not know the secret, and tells those
// apart that were cut short, changed, made up, or moved to another name (AES-256-GCM,
// with the name as what is vouched for). Without a secret it tells apart what was
// damaged alone. It is safe for concurrent use.
type seal struct{ cipher cipher.AEAD }

func newSeal(secret string) (seal, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "parley shared records 1", 32)
	if err != nil {
		return seal{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return seal{gcm}, err
}

func (s seal) close(name string, record []byte) []byte {
	return s.cipher.Seal(nil, nil, record, []byte(name)) // #nosec G407 -- this cipher makes up a nonce for each
}

var errDamaged = errors.New("a record is not what was written under its name")

func (s seal) open(name, sealed string) ([]byte, error) {
	record, err := s.cipher.Open(nil, nil, []byte(sealed), []byte(name))
	if err != nil {
		return nil, errDamaged // the library says no more either
	}
	return record, nil
}
