#include "io/xml.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::io {
namespace {

TEST(Xml, ReadsAListing) {
  const auto root = ParseXml(
      "<?xml version=\"1.0\"?>\n<!-- hello --><ListBucketResult xmlns=\"http://s3\"><IsTruncated>true</IsTruncated>"
      "<Contents><Key>a&amp;b&#x20;&#252;&lt;</Key><Size>5</Size></Contents><ns:Contents a=\"1\"><Key><![CDATA[<c>]]>"
      "</Key></ns:Contents><Empty/></ListBucketResult>");
  EXPECT_EQ(root.name, "ListBucketResult");
  EXPECT_EQ(root.TextOf("IsTruncated"), "true");
  ASSERT_EQ(root.children.size(), 4U);
  EXPECT_EQ(root.children[1].TextOf("Key"), "a&b \xc3\xbc<");
  EXPECT_EQ(root.children[2].name, "Contents");
  EXPECT_EQ(root.children[2].TextOf("Key"), "<c>");
  EXPECT_EQ(root.TextOf("Empty"), "");
  EXPECT_EQ(root.Child("Absent"), nullptr);
  EXPECT_EQ(ParseXml("<a>" + XmlEscaped("x&<>\"'y") + "</a>").text, "x&<>\"'y");
}

TEST(Xml, RefusesWhatIsNoneOrHostile) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (const auto& text :
       {std::string(), std::string("plain"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a>&unknown;</a>"), std::string("<a>&#x110000;</a>"), std::string("<a>&amp</a>"),
        std::string("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), std::string("<a"), std::string("<>"), deep}) {
    EXPECT_THROW(ParseXml(text), Error) << text;
  }
}

}  // namespace
}  // namespace millrace::io
