using Xunit;

namespace BackupApi.Tests.Support;

/// <summary>One template for each operation, made when it is first asked for and shared by the kill tests, which work on copies.</summary>
public sealed class KillTemplates : IDisposable
{
    private readonly KillFolder temp = new();
    private readonly Dictionary<string, KillTemplate> made = new(StringComparer.Ordinal);

    internal async Task<KillTemplate> OfAsync(string what)
    {
        if (!made.TryGetValue(what, out var template))
        {
            template = new KillTemplate(temp[what], what);
            await template.PrepareAsync(temp["spare"]);
            made[what] = template;
        }

        return template;
    }

    public void Dispose() => temp.Dispose();
}

/// <summary>The tests that share <see cref="KillTemplates"/>, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class KillCollection : ICollectionFixture<KillTemplates>
{
    public const string Name = "Kills";
}
