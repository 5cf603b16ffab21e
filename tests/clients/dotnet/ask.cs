// Posts a file twice with .NET's HttpWebRequest, as Exchange's own clients do: ask.exe URL USER PASSWORD DOMAIN FILE SHA1-OF-THE-CERTIFICATE. Prints status and length of each answer.
using System;
using System.IO;
using System.Net;
using Mono.Security.Protocol.Ntlm;

class Ask {
	static string Post(string[] words, byte[] body) {
		var request = (HttpWebRequest)WebRequest.Create(words[0]);
		request.Method = "POST";
		request.ContentType = "text/xml; charset=utf-8";
		request.Credentials = new NetworkCredential(words[1], words[2], words[3]);
		try {
			using (var stream = request.GetRequestStream())
				stream.Write(body, 0, body.Length);
			using (var answer = (HttpWebResponse)request.GetResponse())
				return (int)answer.StatusCode + " " + new StreamReader(answer.GetResponseStream()).ReadToEnd().Length;
		} catch (WebException e) {
			var answer = e.Response as HttpWebResponse;
			return answer == null ? e.Message : (int)answer.StatusCode + " 0";
		}
	}

	static void Main(string[] words) {
		// Mono would still send NTLMv1; Windows has not for long.
		NtlmSettings.DefaultAuthLevel = NtlmAuthLevel.NTLMv2_only;
		ServicePointManager.SecurityProtocol = SecurityProtocolType.Tls12;
		ServicePointManager.ServerCertificateValidationCallback = (sender, certificate, chain, errors) => certificate.GetCertHashString() == words[5];
		var body = File.ReadAllBytes(words[4]);
		Console.WriteLine(Post(words, body));
		Console.WriteLine(Post(words, body));
	}
}
