// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for Java 2 without any argument of ours: prints the SHA-256 of every object below a prefix as JSON, read
// again and again for some seconds. usage: Objects BUCKET PREFIX SECONDS
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.s3.S3Client;

public final class Objects {
  static Map<String, String> read(S3Client s3, String bucket, String prefix) throws Exception {
    Map<String, String> found = new TreeMap<>();
    for (var item : s3.listObjectsV2Paginator(r -> r.bucket(bucket).prefix(prefix).maxKeys(4)).contents()) {
      byte[] body = s3.getObjectAsBytes(r -> r.bucket(bucket).key(item.key())).asByteArray();
      found.put(item.key().substring(prefix.length()),
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body)));
    }
    return found;
  }

  static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  public static void main(String[] arguments) throws Exception {
    S3Client s3 = S3Client.builder().forcePathStyle(true).build();
    Map<String, String> first = read(s3, arguments[0], arguments[1]);
    long until = System.nanoTime() + Long.parseLong(arguments[2]) * 1_000_000_000;
    while (System.nanoTime() < until) {
      Thread.sleep(500);
      if (!first.equals(read(s3, arguments[0], arguments[1]))) throw new IllegalStateException("read something else");
    }
    String json = first.entrySet().stream().map(each -> quoted(each.getKey()) + ":" + quoted(each.getValue()))
        .collect(Collectors.joining(",", "{", "}"));
    System.out.write((json + "\n").getBytes(StandardCharsets.UTF_8));
    System.out.flush();
  }
}
