using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Operations.Hooks;

/// <summary>Why a call did not succeed.</summary>
/// <param name="IsUnreachable">Nobody listens there: the application is not running.</param>
internal sealed record HookFailure(string Reason, bool IsUnreachable);

/// <summary>Calls one hook, once. Nothing it says or logs holds the address.</summary>
internal sealed class CallHook : IDisposable
{
    // An answer that sends us elsewhere is no "yes", and cookies of one call are no business of the next. The application is a neighbour:
    // a proxy of the environment, meant for the world outside, would look for its name in vain, or answer in its place.
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>POSTs the call as JSON; any status from 200 to 299 is a yes. User info of the address goes as basic authentication.</summary>
    /// <returns>Null when it was taken.</returns>
    /// <exception cref="OperationCanceledException">By <paramref name="ct"/>, not by <paramref name="limit"/>.</exception>
    public async Task<HookFailure?> RunAsync(Uri address, HookCall call, TimeSpan limit, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(limit);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Bare(address))
            {
                Content = new StringContent(JsonSerializer.Serialize(call, Json.Options), Encoding.UTF8, "application/json"),
            };
            if (address.UserInfo.Length > 0)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));
            }

            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            return answer.IsSuccessStatusCode ? null : new HookFailure(string.Create(CultureInfo.InvariantCulture, $"it answered {(int)answer.StatusCode}"), false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new HookFailure(string.Create(CultureInfo.InvariantCulture, $"it did not answer within {limit.TotalSeconds:0.#} s"), false);
        }
        catch (HttpRequestException e)
        {
            return new HookFailure(
                e.HttpRequestError switch
                {
                    HttpRequestError.ConnectionError => "nobody listens there",
                    HttpRequestError.NameResolutionError => "its host is not known",
                    HttpRequestError.SecureConnectionError => "no secure connection could be made",
                    var error => $"the call broke off ({error})",
                },
                e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError);
        }
    }

    public void Dispose() => http.Dispose();

    private static Uri Bare(Uri address) => address.UserInfo.Length == 0 ? address : new UriBuilder(address) { UserName = "", Password = "" }.Uri;
}
