#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>

#include "base/random.h"
#include "io/http_call.h"
#include "source/http_ingest/ingest_body.h"
#include "source/http_ingest/unpack.h"

namespace millrace::source {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr UnpackLimits kLimits{.bytes_max = 8 << 20, .expansion_max = 200};

std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

std::string Unpacked(const std::string& packed, const char* encoding, UnpackLimits limits = kLimits) {
  return std::string(Unpack(packed, encoding, limits)->view());
}

int RefusalOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const io::HttpRefusal& refusal) {
    return refusal.status();
  }
  return 200;
}

TEST(Unpack, GivesWhatWasPacked) {
  Random random(1);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4096}, size_t{4097}, size_t{3'000'000}}) {
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>('a' + random.Below(23));
    EXPECT_EQ(Unpacked(text, ""), text);
    EXPECT_EQ(Unpacked(Gzip(text), "GZIP"), text);
    EXPECT_EQ(Unpacked(Zstd(text), "zstd"), text);
    EXPECT_EQ(Unpacked(Gzip(text) + Gzip("more"), "gzip"), text + "more");
    EXPECT_EQ(Unpacked(Zstd(text) + Zstd("more"), "zstd"), text + "more");
  }
}

TEST(Unpack, EndsAtItsLimits) {
  const std::string zeros(7 << 20, '\0');
  for (const auto& [packed, encoding] : {std::pair{Gzip(zeros), "gzip"}, {Zstd(zeros), "zstd"}}) {
    EXPECT_EQ(RefusalOf([&, &packed = packed, &encoding = encoding] { Unpacked(packed, encoding); }), 413)
        << "by the ratio";
    const UnpackLimits wide{.bytes_max = 7 << 20, .expansion_max = 1e6};
    EXPECT_EQ(Unpacked(packed, encoding, wide).size(), zeros.size()) << "exactly the limit";
    const UnpackLimits narrow{.bytes_max = (7 << 20) - 1, .expansion_max = 1e6};
    EXPECT_EQ(RefusalOf([&, &packed = packed, &encoding = encoding] { Unpacked(packed, encoding, narrow); }), 413);
  }
}

TEST(Unpack, BrokenBodiesAreRefused) {
  const std::string text(10'000, 'x');
  for (const auto& [packed, encoding] : {std::pair{Gzip(text), "gzip"}, {Zstd(text), "zstd"}}) {
    for (size_t size = 0; size < packed.size(); ++size) {
      EXPECT_EQ(RefusalOf([&, &packed = packed, &encoding = encoding] { Unpacked(packed.substr(0, size), encoding); }),
                400)
          << encoding << " cut at " << size;
    }
    EXPECT_EQ(RefusalOf([&, &encoding = encoding] { Unpacked(text, encoding); }), 400);
    EXPECT_EQ(RefusalOf([&, &packed = packed, &encoding = encoding] { Unpacked(packed + "x", encoding); }), 400);
  }
  EXPECT_EQ(RefusalOf([&] { Unpacked(text, "br"); }), 415);
}

std::vector<std::string> Events(const std::string& body, BodyForm form, int64_t records_max = 100) {
  const auto buffer = PaddedBuffer::Allocate(body.size());
  std::memcpy(buffer->data(), body.data(), body.size());
  buffer->Resize(body.size());
  const auto batch = EventsOf(buffer, form, records_max);
  EXPECT_TRUE(batch->newline_joined);
  std::vector<std::string> events;
  for (size_t i = 0; i < batch->size(); ++i) events.emplace_back(batch->record(i));
  return events;
}

TEST(IngestBody, HoldsEvents) {
  EXPECT_THAT(Events(R"( {"a": 1.10, "b": 123456789012345678901234567890} )", BodyForm::kJson),
              ElementsAre(R"({"a": 1.10, "b": 123456789012345678901234567890})"));
  EXPECT_THAT(Events("[{\"a\": 1},\n [2, 3] ,\"x\"]", BodyForm::kJson), ElementsAre("{\"a\": 1}", "[2, 3]", "\"x\""));
  EXPECT_THAT(Events("{\"a\":\n 1}", BodyForm::kJson), ElementsAre("{\"a\":1}"));
  EXPECT_THAT(Events("[]", BodyForm::kJson), ElementsAre());
  EXPECT_THAT(Events("{\"a\":1}\r\n\n  {\"a\":2}\n{\"a\":3}", BodyForm::kLines),
              ElementsAre("{\"a\":1}", "{\"a\":2}", "{\"a\":3}"));
}

std::string WhyNot(const std::string& body, BodyForm form) {
  try {
    Events(body, form, 3);
  } catch (const io::HttpRefusal& refusal) {
    return std::to_string(refusal.status()) + " " + refusal.what();
  }
  return "200";
}

TEST(IngestBody, SaysWhatIsWrong) {
  EXPECT_THAT(WhyNot("{\"a\":1}\n{\"a\":x}\n", BodyForm::kLines),
              AllOf(HasSubstr("400"), HasSubstr("byte 5 of line 2")));
  EXPECT_THAT(WhyNot("{\"a\":1} {", BodyForm::kJson), HasSubstr("400"));
  EXPECT_THAT(WhyNot("{\"a\":\"\xff\"}", BodyForm::kJson), HasSubstr("400"));
  EXPECT_THAT(WhyNot(" ", BodyForm::kJson), HasSubstr("empty"));
  EXPECT_THAT(WhyNot("[1,2,3,4]", BodyForm::kJson), HasSubstr("413"));
  EXPECT_THAT(WhyNot("1\n2\n3\n4", BodyForm::kLines), HasSubstr("413"));
  EXPECT_EQ(WhyNot("1\n2\n3\n", BodyForm::kLines), "200");
}

TEST(IngestBody, KeysStandInEvents) {
  const std::string body = R"([{"c":{"id":"a b"}},{"c":{"id":7}},{"c":{"id":null}},{"d":1},{"c":{"id":"\u00e9"}}])";
  const auto buffer = PaddedBuffer::Allocate(body.size());
  std::memcpy(buffer->data(), body.data(), body.size());
  buffer->Resize(body.size());
  const auto batch = EventsOf(buffer, BodyForm::kJson, 100);
  SetKeys(JsonPath::Parse("$.c.id"), *batch);
  std::vector<std::string> keys;
  for (size_t i = 0; i < batch->size(); ++i) keys.emplace_back(batch->key(i));
  EXPECT_THAT(keys, ElementsAre("a b", "7", "", "", "é"));
}

TEST(IngestBody, TargetsAreEvents) {
  io::HttpCall call;
  call.parameters = {{"value", "a\"b"}};
  call.query = {{"x", "1"}, {"y", ""}, {"x", "2"}, {"x", "3"}};
  EXPECT_EQ(EventOfTarget(call)->record(0), R"({"value":"a\"b","x":["1","2","3"],"y":""})");
}

TEST(IngestBody, FieldsOfAFormAreAnEvent) {
  EXPECT_THAT(Events("name=a+b%22&x=1&y=&x=2&%C3%A9=%0A", BodyForm::kForm),
              ElementsAre("{\"name\":\"a b\\\"\",\"x\":[\"1\",\"2\"],\"y\":\"\",\"é\":\"\\n\"}"));
  EXPECT_THAT(WhyNot("a=%4", BodyForm::kForm), HasSubstr("400"));
  EXPECT_THAT(WhyNot("&", BodyForm::kForm), HasSubstr("400"));
  std::string many = "a=1";
  for (size_t i = 1; i < kFormFieldsMax; ++i) many += "&a=1";
  EXPECT_EQ(WhyNot(many, BodyForm::kForm), "200");
  EXPECT_THAT(WhyNot(many + "&a=1", BodyForm::kForm), HasSubstr("413"));
}

TEST(IngestBody, TypesAreKnown) {
  const auto form = [](const char* type) {
    io::HttpCall call;
    if (type != nullptr) call.headers = {{"content-type", type}};
    return FormOf(call);
  };
  EXPECT_EQ(form(nullptr), BodyForm::kJson);
  EXPECT_EQ(form("Application/JSON; charset=utf-8"), BodyForm::kJson);
  EXPECT_EQ(form("application/cloudevents+json"), BodyForm::kJson);
  EXPECT_EQ(form("application/x-ndjson"), BodyForm::kLines);
  EXPECT_EQ(form("application/x-www-form-urlencoded;charset=UTF-8"), BodyForm::kForm);
  EXPECT_EQ(RefusalOf([&] { form("text/csv"); }), 415);
}

}  // namespace
}  // namespace millrace::source
