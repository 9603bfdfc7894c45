"""signatures.json: public keys and what they signed, by joserfc (pinned in scripts/packages/python.txt)."""

import json
import pathlib

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

made = []
for algorithm, key in (
    ("RS256", RSAKey.generate_key(2048)),
    ("PS256", RSAKey.generate_key(2048)),
    ("ES256", ECKey.generate_key("P-256")),
    ("EdDSA", OKPKey.generate_key("Ed25519")),
    ("ES384", ECKey.generate_key("P-384")),
    ("RS512", RSAKey.generate_key(2048)),
    ("PS384", RSAKey.generate_key(2048)),
):
    public = {**key.as_dict(private=False), "kid": algorithm}
    token = jws.serialize_compact({"alg": algorithm, "kid": algorithm}, b'{"sub": "ann"}', key, algorithms=[algorithm])
    made.append({"algorithm": algorithm, "key": public, "token": token})
weak = RSAKey.generate_key(1024, {"kid": "weak"})
made.append({"algorithm": "RS256", "key": {**weak.as_dict(private=False), "kid": "weak"}, "token": jws.serialize_compact({"alg": "RS256", "kid": "weak"}, b"{}", weak, algorithms=["RS256"])})
pathlib.Path(__file__).with_name("signatures.json").write_text(json.dumps(made, indent=1) + "\n")
