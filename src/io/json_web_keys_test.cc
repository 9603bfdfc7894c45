#include "io/json_web_keys.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "io/digest.h"

namespace millrace::io {
namespace {

using nlohmann::json;

/// Keys and signatures of joserfc's; tests/golden/jose/make.py says how they are made.
class JsonWebKeysTest : public testing::Test {
 protected:
  JsonWebKeysTest() {
    std::ifstream file(std::string(MILLRACE_SOURCE_DIR) + "/tests/golden/jose/signatures.json");
    made_ = json::parse(file);
    for (const auto& each : made_) set_["keys"].push_back(each["key"]);
  }
  struct Token {
    std::string text;
    std::string signature;
  };
  static Token Cut(const std::string& token) {
    const auto dot = token.rfind('.');
    Token cut{.text = token.substr(0, dot), .signature = {}};
    EXPECT_TRUE(DecodeBase64(token.substr(dot + 1), cut.signature));
    return cut;
  }

  json made_;
  json set_ = {{"keys", json::array()}};
};

TEST_F(JsonWebKeysTest, SignaturesOfFourKindsAreChecked) {
  const auto keys = JsonWebKeys::Parse(set_.dump());
  std::set<std::string> good;
  for (const auto& each : made_) {
    const auto token = Cut(each["token"]);
    const std::string id = each["key"]["kid"];
    const std::string algorithm = each["algorithm"];
    if (!keys.Verify(algorithm, id, token.text, token.signature)) continue;
    good.insert(id);
    EXPECT_TRUE(keys.Verify(algorithm, std::nullopt, token.text, token.signature));
    EXPECT_FALSE(keys.Verify(algorithm, id, token.text + "A", token.signature));
    EXPECT_FALSE(keys.Verify(algorithm, "other", token.text, token.signature));
    for (size_t i = 0; i < token.signature.size(); i += 7) {
      auto broken = token.signature;
      broken[i] = static_cast<char>(broken[i] ^ 1);
      EXPECT_FALSE(keys.Verify(algorithm, id, token.text, broken));
    }
    EXPECT_FALSE(keys.Verify(algorithm, id, token.text, ""));
    EXPECT_FALSE(keys.Verify(algorithm, id, token.text, std::string(64, '\0')));
    for (const auto* other : {"none", "None", "", "HS256", "RS256", "PS256", "ES256", "EdDSA", "RS512"}) {
      if (other == algorithm) continue;
      EXPECT_FALSE(keys.Verify(other, id, token.text, token.signature)) << other;
    }
  }
  EXPECT_EQ(good, (std::set<std::string>{"RS256", "PS256", "ES256", "EdDSA"}));
}

/// The oldest trick: the public key as the secret of HMAC.
TEST_F(JsonWebKeysTest, APublicKeyIsNoSecret) {
  const auto keys = JsonWebKeys::Parse(set_.dump());
  const std::string text = "eyJhbGciOiJIUzI1NiJ9.e30";
  for (const auto& each : made_) {
    EXPECT_FALSE(keys.Verify("HS256", std::nullopt, text, HmacSha256(each["key"].dump(), text)));
  }
  json shared = {{"keys", {{{"kty", "oct"}, {"k", "c2VjcmV0"}, {"alg", "HS256"}}}}};
  EXPECT_EQ(JsonWebKeys::Parse(shared.dump()).size(), 0U);
}

TEST_F(JsonWebKeysTest, AKeyIsForWhatItSays) {
  const auto token = Cut(made_[0]["token"]);
  json key = made_[0]["key"];
  const auto verify = [&] {
    return JsonWebKeys::Parse(json{{"keys", {key}}}.dump()).Verify("RS256", std::nullopt, token.text, token.signature);
  };
  EXPECT_TRUE(verify());
  key["alg"] = "RS256";
  key["use"] = "sig";
  EXPECT_TRUE(verify());
  key["alg"] = "PS256";
  EXPECT_FALSE(verify());
  key["alg"] = "RS256";
  key["use"] = "enc";
  EXPECT_FALSE(verify());
}

TEST_F(JsonWebKeysTest, WhatCannotBeUsedIsLeftOut) {
  for (const auto* text : {"", "[]", "{}", "{\"keys\": 1}", "null", "{\"keys\": [}"}) {
    EXPECT_THROW(JsonWebKeys::Parse(text), Error) << text;
  }
  const json odd = {{"keys",
                     {1,
                      nullptr,
                      json::object(),
                      {{"kty", "RSA"}},
                      {{"kty", "RSA"}, {"n", 5}, {"e", "AQAB"}},
                      {{"kty", "EC"}, {"crv", "P-256"}, {"x", std::string(43, 'A')}, {"y", std::string(43, 'A')}},
                      {{"kty", "OKP"}, {"crv", "X25519"}, {"x", std::string(43, 'A')}}}}};
  EXPECT_EQ(JsonWebKeys::Parse(odd.dump()).size(), 0U);
  json many = {{"keys", json::array()}};
  for (int i = 0; i < 1000; ++i) many["keys"].push_back(made_[3]["key"]);
  EXPECT_EQ(JsonWebKeys::Parse(many.dump()).size(), 100U);
}

}  // namespace
}  // namespace millrace::io
