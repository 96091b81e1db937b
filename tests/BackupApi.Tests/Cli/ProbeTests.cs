using BackupApi.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BackupApi.Tests.Cli;

/// <summary>What the container runtime is told.</summary>
public sealed class ProbeTests
{
    [Theory]
    [InlineData("/api/health/ready", 503, 1)]
    [InlineData("/api/health/ready", 200, 0)]
    [InlineData("/api/health", 503, 1)]
    public async Task The_answer_decides_and_is_repeated(string path, int status, int exitCode)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var server = builder.Build();
        server.Run(async context =>
        {
            context.Response.StatusCode = context.Request.Path == path ? status : 404;
            await context.Response.WriteAsync(new string('x', 100_000));
        });
        await server.StartAsync();
        using var output = new StringWriter();

        Assert.Equal(exitCode, await new ServiceCommands(new Uri(server.Urls.First()), () => null, output).ProbeAsync(path, CancellationToken.None));
        Assert.StartsWith($"{status} xxx", output.ToString(), StringComparison.Ordinal);
        Assert.True(output.ToString().Length < 4096, "the container runtime keeps 4,096 bytes of a probe's output");
    }
}
