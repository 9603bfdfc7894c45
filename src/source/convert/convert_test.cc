#include "source/convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "contract/source_contract.h"
#include "source/file/file_source.h"
#include "source/file/test_folder.h"
#include "source/generator/generator_source.h"

namespace millrace::source {
namespace {

using Json = nlohmann::ordered_json;

ConvertOptions Options(const std::filesystem::path& from, const std::filesystem::path& to) {
  ConvertOptions options;
  options.from.name = "convert";
  options.from.paths = {from.native()};
  options.to = to.native();
  return options;
}

ConvertStats RunConvert(const ConvertOptions& options) {
  return Convert(options, [](const ConvertStats&) {});
}

/// What a Python program prints for a file, as JSON.
Json Python(const std::string& program, const std::string& argument) {
  const TestFolder folder;
  const auto script = folder.Write("run.py", program), out = folder.path() / "out";
  const std::string command =
      std::string(MILLRACE_DEPS_DIR) + "/venv/bin/python " + script.native() + " '" + argument + "' > " + out.native();
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  return Json::parse(ReadFile(out));
}

std::vector<Json> Documents(const std::string& lines) {
  std::vector<Json> documents;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) documents.push_back(Json::parse(line));
  return documents;
}

TEST(Convert, RealCardsThroughEveryFormatComeBackTheSame) {
  TestFolder folder;
  const std::filesystem::path cards = MILLRACE_SOURCE_DIR "/examples/data/cards_data.csv";
  const std::vector<std::string> way = {"a.jsonl.gz", "b.json.zst", "c.csv", "d.tsv.gz", "e.jsonl", "f.json", "g.csv"};
  auto from = cards;
  for (const auto& name : way) {
    const auto stats = RunConvert(Options(from, folder.path() / name));
    EXPECT_EQ(stats.records, 6146) << name;
    EXPECT_EQ(stats.rejected, 0) << name;
    EXPECT_EQ(stats.bytes_in, static_cast<int64_t>(std::filesystem::file_size(from)));
    EXPECT_EQ(stats.bytes_out, static_cast<int64_t>(std::filesystem::file_size(folder.path() / name)));
    from = folder.path() / name;
  }
  const std::string read = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='')))))";
  EXPECT_EQ(Python(read, from.native()), Python(read, cards.native()));
}

TEST(Convert, OtherToolsReadWhatIsWritten) {
  TestFolder folder;
  const std::string events = MILLRACE_SOURCE_DIR "/examples/data/github_events.ndjson";
  RunConvert(Options(events, folder.path() / "a.json.gz"));
  RunConvert(Options(folder.path() / "a.json.gz", folder.path() / "b.jsonl.zst"));
  const auto lines = PackedBy("zstd -dc", ReadFile(folder.path() / "b.jsonl.zst"));
  EXPECT_EQ(Documents(lines), Documents(ReadFile(events)));
  const auto array = PackedBy("gzip -dc", ReadFile(folder.path() / "a.json.gz"));
  EXPECT_EQ(Json::parse(array).size(), 800u);

  RunConvert(Options(events, folder.path() / "c.csv"));
  const auto rows = Python(
      "import csv, json, sys; csv.field_size_limit(10**9)\n"
      "print(json.dumps([[r['id'], r['type'], json.loads(r['repo'])['name']] for r in "
      "csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'))]))",
      (folder.path() / "c.csv").native());
  const auto documents = Documents(lines);
  ASSERT_EQ(rows.size(), documents.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i], Json::array({documents[i]["id"], documents[i]["type"], documents[i]["repo"]["name"]}));
  }
}

TEST(Convert, WhatIsNoJsonIsKeptApart) {
  TestFolder folder;
  const auto from = folder.Write("a.jsonl", "{\"a\":1}\nno json\n{\"a\":\"\xff\"}\n[1]\n{\"b\":\"x\\ny\"}\n");
  auto options = Options(from, folder.path() / "b.csv");
  const auto stats = RunConvert(options);
  EXPECT_EQ(stats.records, 2);
  EXPECT_EQ(stats.rejected, 3);
  EXPECT_EQ(ReadFile(folder.path() / "b.csv"), "a,b\r\n1,\r\n,\"x\ny\"\r\n");
  EXPECT_EQ(ReadFile(stats.rejects_path), "no json\n{\"a\":\"\xff\"}\n[1]\n");
}

TEST(Convert, RowsOfACsvFileAreJsonInEveryPart) {
  TestFolder folder;
  const std::vector<std::string> wrong = {R"({"a":nul})",  R"({"a":truE})",      R"({"a":01})",   R"({"a":1.})",
                                          R"({"a":+1})",   R"({"a":1e})",        R"({"a":"\x"})", R"({"a":1} 2)",
                                          R"({"a":[1,]})", R"({"a":{"b":nul}})", R"({"a":1,})",   R"({"a" 1})",
                                          R"({"new":-})",  R"({"a":1 "b":2})"};
  std::string lines = "{\"a\":-0.5E+10, \"b\" : null}\n{\"a\":[1, {\"c\":true}],\"b\":false }\n";
  for (const auto& line : wrong) lines += line + "\n";
  const auto stats = RunConvert(Options(folder.Write("a.jsonl", lines), folder.path() / "b.csv"));
  EXPECT_EQ(ReadFile(folder.path() / "b.csv"), "a,b\r\n-0.5E+10,\r\n\"[1,{\"\"c\"\":true}]\",false\r\n");
  EXPECT_EQ(stats.rejected, static_cast<int64_t>(wrong.size()));
}

TEST(Convert, RowsThatAreNoTextAreKeptApart) {
  TestFolder folder;
  const auto from = folder.Write("a.csv", "a,b\n1,x\n2,\xff\n3\n4,\"y\"\n");
  for (const std::string name : {"b.jsonl", "c.json"}) {
    const auto stats = RunConvert(Options(from, folder.path() / name));
    EXPECT_EQ(stats.records, 2) << name;
    EXPECT_EQ(stats.rejected, 2) << name;
    EXPECT_THAT(ReadFile(stats.rejects_path), testing::StartsWith("{\"a\":2,\"b\":\"\xff\"}\n")) << name;
  }
  EXPECT_EQ(ReadFile(folder.path() / "b.jsonl"), "{\"a\":1,\"b\":\"x\"}\n{\"a\":4,\"b\":\"y\"}\n");
}

TEST(Convert, LinesHaveNoLineBreaksInThem) {
  TestFolder folder;
  RunConvert(
      Options(folder.Write("a.json", "[\n {\n  \"a\" : \"x y\" },\n {\"b\":[1,\r\n2]}\n]"), folder.path() / "b.jsonl"));
  EXPECT_EQ(ReadFile(folder.path() / "b.jsonl"), "{\"a\":\"x y\"}\n{\"b\":[1,2]}\n");
  RunConvert(Options(folder.Write("none.json", "[]"), folder.path() / "none2.json"));
  EXPECT_EQ(ReadFile(folder.path() / "none2.json"), "[]\n");
}

TEST(Convert, NothingIsOverwrittenUnasked) {
  TestFolder folder;
  const auto from = folder.Write("a.jsonl", "{}\n");
  auto options = Options(from, folder.Write("b.jsonl", "old"));
  EXPECT_THROW(RunConvert(options), Error);
  EXPECT_EQ(ReadFile(folder.path() / "b.jsonl"), "old");
  options.overwrite = true;
  RunConvert(options);
  EXPECT_EQ(ReadFile(folder.path() / "b.jsonl"), "{}\n");
}

TEST(Convert, FailureLeavesNothing) {
  TestFolder folder;
  EXPECT_THROW(RunConvert(Options(folder.path() / "missing.jsonl", folder.path() / "b.jsonl.gz")), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Convert, GeneratedRowsToAFile) {
  TestFolder folder;
  GeneratorOptions generator;
  generator.name = "users";
  generator.rows = 1000;
  GeneratorSource source(generator);
  ConvertOptions options;
  options.to = (folder.path() / "users.csv.gz").native();
  EXPECT_EQ(WriteRecords(source, options, [](const ConvertStats&) {}).records, 1000);
  const auto text = PackedBy("gzip -dc", ReadFile(options.to));
  EXPECT_EQ(text.substr(0, text.find('\r')),
            "id,first_name,last_name,gender,address,post_code,email,username,dob,registered_date,phone,picture");
}

}  // namespace
}  // namespace millrace::source
