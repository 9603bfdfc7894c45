#include "io/json_web_keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/digest.h"
#include "io/openssl_object.h"

namespace millrace::io {
namespace {

using nlohmann::json;
using Number = OpensslObject<BIGNUM, &BN_free>;

constexpr size_t kKeysMax = 100;
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 16384;
constexpr size_t kP256Bytes = 32;
constexpr size_t kEd25519Bytes = 32;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string TextOf(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Empty when it is not there or no base64url.
std::string BytesOf(const json& object, const char* name) {
  std::string bytes;
  return DecodeBase64(TextOf(object, name), bytes) ? bytes : std::string();
}

std::shared_ptr<EVP_PKEY> FromParameters(const char* type, OSSL_PARAM_BLD* parameters) {
  const OpensslObject<OSSL_PARAM, &OSSL_PARAM_free> list(OSSL_PARAM_BLD_to_param(parameters));
  const OpensslObject<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!list || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, list.get()) != 1) {
    return nullptr;
  }
  return {key, &EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> RsaKey(const json& given) {
  const auto modulus = BytesOf(given, "n");
  const auto exponent = BytesOf(given, "e");
  const Number n(BN_bin2bn(Bytes(modulus), static_cast<int>(modulus.size()), nullptr));
  const Number e(BN_bin2bn(Bytes(exponent), static_cast<int>(exponent.size()), nullptr));
  const OpensslObject<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> parameters(OSSL_PARAM_BLD_new());
  if (!n || !e || BN_num_bits(n.get()) < kRsaBitsMin || BN_num_bits(n.get()) > kRsaBitsMax || BN_is_odd(e.get()) == 0 ||
      BN_is_one(e.get()) == 1 || BN_num_bits(e.get()) > 64 ||
      OSSL_PARAM_BLD_push_BN(parameters.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(parameters.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return FromParameters("RSA", parameters.get());
}

std::shared_ptr<EVP_PKEY> EcKey(const json& given) {
  const auto x = BytesOf(given, "x");
  const auto y = BytesOf(given, "y");
  if (TextOf(given, "crv") != "P-256" || x.size() != kP256Bytes || y.size() != kP256Bytes) return nullptr;
  const std::string point = '\x04' + x + y;  // uncompressed; OpenSSL checks that it lies on the curve
  const OpensslObject<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> parameters(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(parameters.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(parameters.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  return FromParameters("EC", parameters.get());
}

std::shared_ptr<EVP_PKEY> Ed25519Key(const json& given) {
  const auto x = BytesOf(given, "x");
  if (TextOf(given, "crv") != "Ed25519" || x.size() != kEd25519Bytes) return nullptr;
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(x), x.size()), &EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> KeyOf(const json& given) {
  const auto type = TextOf(given, "kty");
  if (type == "RSA") return RsaKey(given);
  if (type == "EC") return EcKey(given);
  if (type == "OKP") return Ed25519Key(given);
  return nullptr;
}

/// RFC 9864 has a new name for what EdDSA means here.
std::string_view Plain(std::string_view algorithm) { return algorithm == "Ed25519" ? "EdDSA" : algorithm; }

std::string_view TypeFor(std::string_view algorithm) {
  if (algorithm == "RS256" || algorithm == "PS256") return "RSA";
  if (algorithm == "ES256") return "EC";
  return algorithm == "EdDSA" ? "OKP" : "";
}

/// JWS writes ECDSA's two numbers one behind the other, OpenSSL reads them as DER; empty when they are none.
std::string DerSignature(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return {};
  const OpensslObject<ECDSA_SIG, &ECDSA_SIG_free> pair(ECDSA_SIG_new());
  Number r(BN_bin2bn(Bytes(signature), kP256Bytes, nullptr));
  Number s(BN_bin2bn(Bytes(signature) + kP256Bytes, kP256Bytes, nullptr));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.release(), s.release()) != 1) return {};
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool Checks(EVP_PKEY* key, std::string_view algorithm, std::string_view text, std::string_view signature) {
  const auto given = algorithm == "ES256" ? DerSignature(signature) : std::string(signature);
  const OpensslObject<EVP_MD_CTX, &EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // the context's
  const auto* digest = algorithm == "EdDSA" ? nullptr : EVP_sha256();
  if (!context || EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, key) != 1) return false;
  if (algorithm == "PS256" && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), Bytes(given), given.size(), Bytes(text), text.size()) == 1;
}

}  // namespace

JsonWebKeys JsonWebKeys::Parse(std::string_view text) {
  const auto document = json::parse(text, nullptr, false);
  const auto list = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || list == document.end() || !list->is_array()) {
    throw Error(ErrorCode::kData, "this is no set of JSON web keys: no list `keys`");
  }
  JsonWebKeys keys;
  for (const auto& given : *list) {
    if (!given.is_object() || keys.keys_.size() == kKeysMax) continue;
    const auto use = TextOf(given, "use");
    if (!use.empty() && use != "sig") continue;
    Key key{.id = TextOf(given, "kid"),
            .type = TextOf(given, "kty"),
            .algorithm = std::string(Plain(TextOf(given, "alg"))),
            .key = KeyOf(given)};
    if (key.key) keys.keys_.push_back(std::move(key));
  }
  ERR_clear_error();
  return keys;
}

bool JsonWebKeys::Has(std::string_view id) const {
  return std::ranges::any_of(keys_, [&](const Key& key) { return key.id == id; });
}

bool JsonWebKeys::Verify(std::string_view name, std::optional<std::string_view> id, std::string_view text,
                         std::string_view signature) const {
  const auto algorithm = Plain(name);
  const auto type = TypeFor(algorithm);
  const bool good = !type.empty() && std::ranges::any_of(keys_, [&](const Key& key) {
    return key.type == type && (!id || key.id == *id) && (key.algorithm.empty() || key.algorithm == algorithm) &&
           Checks(key.key.get(), algorithm, text, signature);
  });
  ERR_clear_error();
  return good;
}

}  // namespace millrace::io
